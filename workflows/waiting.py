"""Waiting for something to happen, or for an instant of the database's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow

_BEHIND = timedelta(seconds=1)


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
