"""A revenue report as a process: reckoned once, however long it takes."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import LONG_COMPUTATION
from domain.billing.ids import RevenueReportId
from domain.billing.revenue_commands import ReckonRevenue, RevenueProgress
from domain.kernel.ids import TenantId
from workflows.standing import Standing


def workflow_id(tenant: TenantId, report_id: RevenueReportId) -> str:
    """The one process of this report."""
    return f"{tenant}/billing/revenue_report/{report_id}"


@workflow.defn(name="billing.revenue_report")
class RevenueReportWorkflow:
    """It ends when the report is ready."""

    def __init__(self) -> None:
        self._standing = Standing(RevenueProgress())

    @workflow.run
    async def run(self, input: ReckonRevenue) -> RevenueProgress:
        """How it ended."""
        self._standing.tell(status="reckoning")
        told = await workflow.execute_activity_method(
            BillingActivities.reckon_revenue, input, summary="reckon the figures", **LONG_COMPUTATION
        )
        self._standing.tell(**dict(told))
        return told

    @workflow.query
    def progress(self) -> RevenueProgress:
        """How far it is."""
        return self._standing.now
