"""Erase what a removed tenant left behind: waits out the grace, destroys the data keys, and sees that none is left.

It belongs to the platform, for its own history has to stay readable.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.options import OWN_DATABASE
from activities.security import SecurityActivities
from domain.security.commands import ErasureProgress, ErasureState, FollowErasure
from domain.security.ids import ErasureId
from workflows.standing import Standing
from workflows.waiting import happens

FORGOTTEN_WITHIN = timedelta(minutes=5)
"""How long a process may remember a key that it has unwrapped: see `adapters.security.keyring`."""


def workflow_id(erasure_id: ErasureId) -> str:
    """The one process of this erasure."""
    return f"platform/security/erasure/{erasure_id}"


@workflow.defn(name="security.erasure")
class ErasureWorkflow:
    """Waits, destroys, waits until every process has forgotten, looks again."""

    def __init__(self) -> None:
        self._cancelled = False
        self._standing = Standing(ErasureProgress())

    @workflow.run
    async def run(self, input: FollowErasure) -> ErasureProgress:
        """How it ended. It is not `erased` before nothing is left."""
        state = await self._settled(input)
        while state.status == "waiting":
            self._standing.tell(status="waiting", next="the keys are destroyed", next_at=state.erase_at)
            await happens(lambda: self._cancelled, by=state.erase_at)
            state = await self._settled(input)
        if state.status == "erased":
            forgotten = workflow.now() + FORGOTTEN_WITHIN
            self._standing.tell(status="destroyed", next="every process has forgotten them", next_at=forgotten)
            await workflow.sleep(FORGOTTEN_WITHIN)
            state = await self._settled(input)
            if state.keys_left:
                raise ApplicationError("the tenant has data keys again: something still encrypts for it")
        self._standing.tell(status=state.status, next="", next_at=None, keys_destroyed=state.keys_destroyed)
        return self._standing.now

    @workflow.signal
    def closed(self, outcome: str) -> None:
        """It was cancelled; or done, by this process itself."""
        self._cancelled = outcome == "cancelled"

    @workflow.query
    def progress(self) -> ErasureProgress:
        """Where it stands, and what happens next, and when."""
        return self._standing.now

    async def _settled(self, input: FollowErasure) -> ErasureState:
        return await workflow.execute_activity_method(
            SecurityActivities.settle_erasure, input, summary="destroy them if it is time", **OWN_DATABASE
        )
