"""Bring everything at rest under another key: batch after batch, until a count finds nothing that is not.

It belongs to the platform: a tenant's keys may be destroyed meanwhile.
"""

from __future__ import annotations

from temporalio import workflow

from activities.options import LONG_COMPUTATION, OWN_DATABASE
from activities.security import SecurityActivities
from domain.security.commands import FollowReencryption, ReencryptionState
from domain.security.ids import ReencryptionId
from workflows.waiting import happens


def workflow_id(reencryption_id: ReencryptionId) -> str:
    """The one process of this re-encryption."""
    return f"platform/security/reencryption/{reencryption_id}"


@workflow.defn(name="security.reencryption")
class ReencryptionWorkflow:
    """Steps until nothing is left, waits until every process has noticed the key, counts."""

    def __init__(self) -> None:
        self._state = ReencryptionState()

    @workflow.run
    async def run(self, input: FollowReencryption) -> ReencryptionState:
        """How it ended. It is not `completed` before nothing is left."""
        while not self._state.completed:
            await self._stepped(input)
            while self._state.left:
                if workflow.info().is_continue_as_new_suggested():
                    workflow.continue_as_new(input)
                await self._stepped(input)
            if self._state.noticed_at is not None:
                await happens(lambda: False, by=self._state.noticed_at)
            self._tell(
                await workflow.execute_activity_method(
                    SecurityActivities.complete_reencryption, input, summary="count what is left", **OWN_DATABASE
                )
            )
        return self._state

    @workflow.query
    def progress(self) -> ReencryptionState:
        """Where it stands."""
        return self._state

    async def _stepped(self, input: FollowReencryption) -> None:
        self._tell(
            await workflow.execute_activity_method(
                SecurityActivities.step_reencryption, input, summary="the next batches", **LONG_COMPUTATION
            )
        )

    def _tell(self, state: ReencryptionState) -> None:
        self._state = state
        waits = "completed" if state.completed else f"{state.left} left"
        workflow.set_current_details(f"{state.done} done, {waits}")
