"""Waiting for something to happen, or for an instant of the database's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

_BEHIND = timedelta(seconds=1)


class Changes:
    """What a workflow is told of by signals: a change that comes after it began to look is waited for no more."""

    def __init__(self) -> None:
        self._told = self._seen = 0

    def told(self) -> None:
        """Something has changed."""
        self._told += 1

    def looking(self) -> None:
        """Whatever was told before now will be seen: call this just before looking at how things stand."""
        self._seen = self._told

    def unseen(self) -> bool:
        """Whether something was told since."""
        return self._told > self._seen

    async def another(self, *, by: datetime) -> bool:
        """Wait for a change that was not seen yet, or until this instant; whether there was one."""
        return await happens(self.unseen, by=by)


async def happens(what: Callable[[], bool], *, by: datetime) -> bool:
    """Wait until it is true, or until this instant; whether it is.

    A second more than that: what the workflow does then, the database has to find due, and its clock may be behind.
    """
    wait = max(by - workflow.now(), timedelta()) + _BEHIND
    try:
        await workflow.wait_condition(what, timeout=wait)
    except TimeoutError:
        return False
    return True
