"""A test clock that is being advanced, as a process."""

from __future__ import annotations

from datetime import UTC, datetime

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
        self._to = datetime.min.replace(tzinfo=UTC)

    @workflow.run
    async def run(self, input: AdvanceClock) -> ClockProgress:
        """How far it came."""
        while True:
            cmd = input.model_copy(update={"to": max(input.to, self._to)})
            self._standing.tell(status="advancing", to=cmd.to)
            told = await workflow.execute_activity_method(
                BillingActivities.advance_clock, cmd, summary="let a month go by", **LONG_COMPUTATION
            )
            steps = self._standing.now.steps + told.steps
            self._standing.tell(**{**dict(told), "steps": steps, "next": "", "next_at": told.shows})
            if told.shows == cmd.to >= self._to:
                return self._standing.now

    @workflow.signal
    def further(self, to: datetime) -> None:
        """Somebody wants it there, who may come when it has all but arrived."""
        self._to = max(self._to, to)

    @workflow.query
    def progress(self) -> ClockProgress:
        """How far it is."""
        return self._standing.now
