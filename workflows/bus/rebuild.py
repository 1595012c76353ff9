"""Replay a projection from the first event on into a shadow, and compare it with the live one."""

from temporalio import workflow

from activities.bus import BusActivities
from activities.options import LONG_COMPUTATION
from domain.bus.model import Rebuild, RebuildReport
from domain.kernel.ids import TenantId


def workflow_id(tenant: TenantId, subscription: str, rebuild_id: str) -> str:
    """One rebuild."""
    return f"{tenant}/bus/rebuild/{subscription}/{rebuild_id}"


@workflow.defn(name="bus.rebuild")
class RebuildWorkflow:
    """One long step with a report."""

    @workflow.run
    async def run(self, input: Rebuild) -> RebuildReport:
        """Replay, compare, and swap if asked to."""
        report = await workflow.execute_activity_method(
            BusActivities.rebuild_projection, input, summary=input.subscription, **LONG_COMPUTATION
        )
        workflow.set_current_details(
            f"{report.events} events replayed: {'equal' if report.equal else 'DIFFERENT'}"
            f"{', swapped' if report.swapped else ''}"
        )
        return report
