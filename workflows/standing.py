"""Where a process stands, as a query tells it and the Temporal UI shows it."""

from __future__ import annotations

from typing import Generic, TypeVar

from temporalio import workflow

from domain.security.commands import MailedProgress, Progress

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
