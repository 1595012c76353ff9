"""Dashboards, in the tenant's schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.analytics.catalogues import PostgresLakes
from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.analytics.ids import DashboardId
from domain.analytics.model import Dashboard, EventCount
from domain.kernel.pagination import Page

_COLUMNS = "id, title, is_default, tiles, revision, created_at, updated_at"


class PostgresDashboards:
    """One tenant's dashboards."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, dashboard_id: DashboardId) -> Dashboard | None:
        """The dashboard, if it exists."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM analytics_dashboard WHERE id = $1", dashboard_id
        )
        return _dashboard(row) if row else None

    async def add(self, dashboard: Dashboard) -> None:
        """Insert."""
        await self._session.sql.execute(
            f"INSERT INTO analytics_dashboard ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)", *_values(dashboard)
        )

    async def put(self, dashboard: Dashboard) -> bool:
        """Replace the revision before this one."""
        changed = await self._session.sql.fetchval(
            f"UPDATE analytics_dashboard SET ({_COLUMNS}) = ($1, $2, $3, $4, $5, $6, $7) "
            "WHERE id = $1 AND revision = $5 - 1 RETURNING true",
            *_values(dashboard),
        )
        return bool(changed)

    async def remove(self, dashboard_id: DashboardId) -> None:
        """Delete."""
        await self._session.sql.execute("DELETE FROM analytics_dashboard WHERE id = $1", dashboard_id)

    async def page(self, *, cursor: str | None, limit: int) -> Page[Dashboard]:
        """Newest first."""
        return await newest_first(self._session, "analytics_dashboard", _dashboard, cursor=cursor, limit=limit)

    async def event_counts(self) -> Sequence[EventCount]:
        """Newest day first."""
        rows = await self._session.sql.fetch(
            "SELECT day, type, count FROM analytics_event_count ORDER BY day DESC, type"
        )
        return [EventCount(**dict(row)) for row in rows]


class PostgresAnalyticsUnitOfWork:
    """One transaction of analytics."""

    def __init__(self, session: Session, files: Path) -> None:
        self.dashboards = PostgresDashboards(session)
        self.lakes = PostgresLakes(session, files)
        self.events = session
        self.audit = session


def _dashboard(row: Any) -> Dashboard:
    return Dashboard(**dict(row))


def _values(dashboard: Dashboard) -> tuple[object, ...]:
    return (
        dashboard.id,
        dashboard.title,
        dashboard.is_default,
        [tile.model_dump(mode="json") for tile in dashboard.tiles],
        dashboard.revision,
        dashboard.created_at,
        dashboard.updated_at,
    )
