"""The risk register and the scans that feed it, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.postgres.rows import hold, names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.ids import RiskId
from domain.security.risk_errors import RiskNotFound
from domain.security.risk_model import Risk, RiskStatus
from domain.security.risk_ports import DependencyScan

_COLUMNS = tuple(Risk.model_fields)
_CHANGING = tuple(name for name in _COLUMNS if name != "id")
_SCAN = tuple(DependencyScan.model_fields)
_MOST = 1_000

RISKS_IN_REGISTER = """
SELECT CASE WHEN tenant_id IS NULL THEN 'platform' ELSE 'tenants' END AS owner, likelihood, impact,
       count(*) AS count, count(*) FILTER (WHERE overdue_at IS NOT NULL) AS overdue
FROM security_risk WHERE status <> 'closed' GROUP BY 1, 2, 3
"""


class PostgresRisks:
    """The register."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, risk: Risk) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_risk ({names(_COLUMNS)}) VALUES ({places(_COLUMNS)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(_CHANGING)}) = ({names(_CHANGING, 'excluded.')})",
            *values_of(risk, _COLUMNS),
        )

    async def get(self, tenant: TenantId | None, risk_id: RiskId) -> Risk:
        """Locked until the transaction ends; tenant None may see all. Raises RiskNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_COLUMNS)} FROM security_risk WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) "
            "FOR UPDATE",
            risk_id,
            tenant,
        )
        if row is None:
            raise RiskNotFound
        return Risk(**dict(row))

    async def page(
        self, tenant: TenantId | None, status: RiskStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Risk]:
        """Newest first; tenant None may see all."""
        return await newest_first(
            self._session,
            "security_risk",
            lambda row: Risk(**dict(row)),
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(tenant, status),
            cursor=cursor,
            limit=limit,
        )

    async def hold_scanned(self) -> None:
        """Wait until no other scan is being entered."""
        await hold(self._session, "security_risk/scanned")

    async def scanned(self) -> Sequence[Risk]:
        """The open ones that a scan has found; locked until the transaction ends."""
        return await self._all("source = 'vulnerability' ORDER BY id FOR UPDATE")

    async def of_platform(self) -> Sequence[Risk]:
        """The open ones that are no tenant's, the oldest thousand."""
        return await self._all(f"tenant_id IS NULL ORDER BY id LIMIT {_MOST}")

    async def put_scan(self, scan: DependencyScan) -> None:
        """Insert."""
        found = [each.model_dump(mode="json") for each in scan.vulnerabilities]
        values = values_of(scan, _SCAN[:-1])
        await self._sql.execute(
            f"INSERT INTO security_dependency_scan ({names(_SCAN)}) VALUES ({places(_SCAN)})", *values, found
        )

    async def last_scan(self) -> DependencyScan | None:
        """The newest."""
        row = await self._sql.fetchrow("SELECT * FROM security_dependency_scan ORDER BY id DESC LIMIT 1")
        return DependencyScan(**dict(row)) if row else None

    async def scans(self, *, cursor: str | None, limit: int) -> Page[DependencyScan]:
        """Newest first."""
        return await newest_first(
            self._session,
            "security_dependency_scan",
            lambda row: DependencyScan(**dict(row)),
            cursor=cursor,
            limit=limit,
        )

    async def _all(self, where: str) -> list[Risk]:
        rows = await self._sql.fetch(
            f"SELECT {names(_COLUMNS)} FROM security_risk WHERE status <> 'closed' AND {where}"
        )
        return [Risk(**dict(row)) for row in rows]
