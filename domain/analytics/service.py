"""What analytics can do, each in one transaction."""

from __future__ import annotations

from datetime import datetime

from domain.analytics.commands import DeleteDashboard, InitializeDashboard
from domain.analytics.errors import DashboardNotFound, TenantGone
from domain.analytics.events import DashboardCreated, DashboardDeleted, DashboardUpdated
from domain.analytics.ids import DashboardId
from domain.analytics.model import DEFAULT_TILES, Dashboard
from domain.analytics.ports import AnalyticsUnitOfWork
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId


async def initialize_dashboard(uow: AnalyticsUnitOfWork, cmd: InitializeDashboard, *, now: datetime) -> Dashboard:
    """Make the tenant's lake and its default dashboard, once however often we are called.

    Raises TenantGone if the tenant has no schema (any more).
    """
    if not await uow.lakes.hold(cmd.tenant_id):
        raise TenantGone(tenant_id=cmd.tenant_id)
    existing = await uow.dashboards.find(cmd.dashboard_id)
    if existing is not None:
        return existing
    await uow.lakes.create(cmd.tenant_id)
    dashboard = Dashboard(
        id=cmd.dashboard_id,
        title="Overview",
        is_default=True,
        tiles=DEFAULT_TILES,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    await uow.dashboards.add(dashboard)
    uow.events.append(
        DashboardCreated(dashboard_id=dashboard.id, title=dashboard.title, is_default=True, occurred_at=now)
    )
    return dashboard


async def delete_dashboard(uow: AnalyticsUnitOfWork, cmd: DeleteDashboard, *, now: datetime) -> None:
    """Remove dashboard and lake; a tenant that has neither stays that way."""
    if not await uow.lakes.hold(cmd.tenant_id):
        return
    if await uow.dashboards.find(cmd.dashboard_id) is None:
        return
    await uow.dashboards.remove(cmd.dashboard_id)
    await uow.lakes.drop(cmd.tenant_id)
    uow.events.append(DashboardDeleted(dashboard_id=cmd.dashboard_id, occurred_at=now))


async def rename_dashboard(
    uow: AnalyticsUnitOfWork, tenant: TenantId, dashboard_id: DashboardId, *, title: str, revision: int, now: datetime
) -> Dashboard:
    """Give the dashboard another title, if it is still at this revision.

    Raises DashboardNotFound, or PreconditionFailed with the current revision.
    """
    current = await uow.dashboards.find(dashboard_id)
    if current is None:
        raise DashboardNotFound
    renamed = current.model_copy(update={"title": title, "revision": revision + 1, "updated_at": now})
    if not await uow.dashboards.put(renamed):
        raise PreconditionFailed(current_revision=current.revision)
    uow.events.append(
        DashboardUpdated(dashboard_id=dashboard_id, title=title, revision=renamed.revision, occurred_at=now)
    )
    uow.audit.record(AuditEntry(tenant_id=tenant, action="analytics.rename_dashboard", resource=dashboard_id))
    return renamed
