"""Processes whose state is in the books: they wait for what is due, let it happen, and wait for the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow

from domain.billing.progress import BooksProgress
from workflows.standing import Followed

P = TypeVar("P", bound=BooksProgress)
FAR = timedelta(days=365)
"""Nothing is due for ever: it looks after a year anyway."""


class BooksClock(Followed[P]):
    """The clock of one thing in a tenant's books. Its now may be simulated, so what is due is asked with it."""

    async def keep_time(self, input: object, settle: Callable[[datetime], Awaitable[P]]) -> P:
        """Let what is due happen, each time, until it is over. `settle` does it, and says what comes next."""
        while True:
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(input)
            now = workflow.now()
            self._changes.looking()
            progress = await settle(now)
            self._standing.tell(**dict(progress))
            if progress.over and not self._changes.unseen():
                return progress
            if not progress.over:
                await self._changes.another(by=progress.next_at or now + FAR)
