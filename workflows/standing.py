"""Processes that stand somewhere and wait for what changes: as a query tells it, and the Temporal UI shows it."""

from __future__ import annotations

from typing import Generic, TypeVar

from temporalio import workflow

from domain.security.commands import MailedProgress, Progress
from workflows.waiting import Changes

P = TypeVar("P", bound=Progress)


class Standing(Generic[P]):
    """The progress of one process. `now` is what its query answers."""

    def __init__(self, first: P) -> None:
        self.now = first

    def tell(self, **changed: object) -> None:
        """It stands otherwise."""
        self.now = self.now.model_copy(update=changed)
        mail = self.now.mail if isinstance(self.now, MailedProgress) else ""
        waits = f", {self.now.next} at {self.now.next_at:%Y-%m-%d %H:%M} UTC" if self.now.next_at else ""
        workflow.set_current_details(f"{self.now.status}{f': {mail}' if mail else ''}{waits}")


class Followed(Generic[P]):
    """A workflow that follows a thing of which its row in the database says how it stands."""

    def __init__(self, first: P) -> None:
        self._changes = Changes()
        self._standing = Standing(first)

    @workflow.signal
    def changed(self, what: str) -> None:
        """The thing has changed; what became of it is looked up."""
        self._changes.told()
