"""Analytics' durable steps."""

from __future__ import annotations

from temporalio import activity

from domain.analytics.commands import DashboardReady, DeleteDashboard, InitializeDashboard
from domain.analytics.ports import AnalyticsUnitOfWork
from domain.analytics.service import delete_dashboard, initialize_dashboard
from domain.kernel.ports import Clock, Transactions


class AnalyticsActivities:
    """Steps that make and remove dashboards and lakes."""

    def __init__(self, transactions: Transactions[AnalyticsUnitOfWork], now: Clock) -> None:
        self._transactions, self._now = transactions, now

    @activity.defn(name="analytics.initialize_dashboard")
    async def initialize_dashboard(self, cmd: InitializeDashboard) -> DashboardReady:
        """Give the tenant a lake and its default dashboard."""
        dashboard = await self._transactions(cmd.tenant_id, lambda uow: initialize_dashboard(uow, cmd, now=self._now()))
        return DashboardReady(dashboard_id=dashboard.id)

    @activity.defn(name="analytics.delete_dashboard")
    async def delete_dashboard(self, cmd: DeleteDashboard) -> None:
        """Take both away again."""
        await self._transactions(cmd.tenant_id, lambda uow: delete_dashboard(uow, cmd, now=self._now()))
