"""What analytics asks of the database and of the lake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.analytics.ids import DashboardId
from domain.analytics.model import Dashboard, EventCount
from domain.bus.ports import EventLog
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.ports import AuditTrail


class Dashboards(Protocol):
    """One tenant's dashboards."""

    async def find(self, dashboard_id: DashboardId) -> Dashboard | None:
        """The dashboard, if it exists."""
        ...

    async def add(self, dashboard: Dashboard) -> None:
        """Insert a new one."""
        ...

    async def put(self, dashboard: Dashboard) -> bool:
        """Replace revision `dashboard.revision - 1`; False if that is not the one stored."""
        ...

    async def remove(self, dashboard_id: DashboardId) -> None:
        """Delete it, if it exists."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[Dashboard]:
        """Newest first."""
        ...

    async def event_counts(self) -> Sequence[EventCount]:
        """Events per day and type, newest day first."""
        ...


class Lakes(Protocol):
    """The tenants' lakes: a catalogue in the database, files in a folder."""

    async def hold(self, tenant_id: TenantId) -> bool:
        """Wait until no other transaction makes or drops this lake; whether the tenant has a schema."""
        ...

    async def create(self, tenant_id: TenantId) -> None:
        """Make the catalogue with its `events` table, if it does not exist."""
        ...

    async def drop(self, tenant_id: TenantId) -> None:
        """Drop the catalogue, if it exists."""
        ...


class AnalyticsUnitOfWork(Protocol):
    """One transaction of analytics, in a tenant."""

    @property
    def dashboards(self) -> Dashboards: ...
    @property
    def lakes(self) -> Lakes: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def audit(self) -> AuditTrail: ...
