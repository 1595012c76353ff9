"""What analytics can be asked to do by a process."""

from domain.analytics.ids import DashboardId
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload


class InitializeDashboard(Payload):
    """Give the tenant a lake and its default dashboard."""

    tenant_id: TenantId
    dashboard_id: DashboardId


class DashboardReady(Payload):
    """The dashboard that now exists."""

    dashboard_id: DashboardId


class DeleteDashboard(Payload):
    """Take the dashboard and the lake away again."""

    tenant_id: TenantId
    dashboard_id: DashboardId
