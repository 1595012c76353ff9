"""Processes whose state is in the books: they wait for what is due, let it happen, and wait for the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow

from domain.billing import progress
from domain.billing.progress import BooksProgress
from workflows.standing import Followed

P = TypeVar("P", bound=BooksProgress)
FAR = timedelta(days=365)
"""Nothing is due for ever: it looks after a year anyway."""


class BooksClock(Followed[P]):
    """The clock of one thing in a tenant's books. Its now may be simulated, so what is due is asked with it.

    What began in a simulated future goes on from there: Temporal moves the clock of a workflow, and not of those that
    begin because of it.
    """

    def __init__(self, first: P) -> None:
        super().__init__(first)
        self._ahead = timedelta()

    async def keep_time(self, input: progress.Followed, settle: Callable[[datetime], Awaitable[P]]) -> P:
        """Let what is due happen, each time, until it is over. `settle` does it, and says what comes next."""
        if input.since is not None:
            self._ahead = max(input.since - workflow.info().start_time, timedelta())
        while True:
            now = workflow.now() + self._ahead
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(input.model_copy(update={"since": now}))
            self._changes.looking()
            told = await settle(now)
            self._standing.tell(**dict(told))
            if not told.over:
                await self._changes.another(by=(told.next_at or now + FAR) - self._ahead)
            elif not self._changes.unseen():
                return told

    @workflow.query
    def clock(self) -> datetime:
        """Its now, when it last looked."""
        return workflow.now() + self._ahead
