"""A test clock that is being advanced, as a process."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import LONG_COMPUTATION
from domain.billing.clock_commands import AdvanceClock, ClockProgress
from domain.billing.ids import ClockId
from domain.kernel.ids import TenantId
from workflows.standing import Standing


def workflow_id(tenant: TenantId, clock_id: ClockId) -> str:
    """The one process of this clock."""
    return f"{tenant}/billing/test_clock/{clock_id}"


@workflow.defn(name="billing.test_clock")
class ClockWorkflow:
    """It ends when everything has happened that was due."""

    def __init__(self) -> None:
        self._standing = Standing(ClockProgress())

    @workflow.run
    async def run(self, input: AdvanceClock) -> ClockProgress:
        """How far it came."""
        self._standing.tell(status="advancing", to=input.to)
        while True:
            told = await workflow.execute_activity_method(
                BillingActivities.advance_clock, input, summary="let a month go by", **LONG_COMPUTATION
            )
            steps = self._standing.now.steps + told.steps
            self._standing.tell(**{**dict(told), "steps": steps, "next": "", "next_at": told.shows})
            if told.shows == input.to:
                return self._standing.now

    @workflow.query
    def progress(self) -> ClockProgress:
        """How far it is."""
        return self._standing.now
