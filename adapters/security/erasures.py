"""Erasures in PostgreSQL, and the keys they destroy."""

from __future__ import annotations

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import ErasureNotFound
from domain.security.ids import ErasureId
from domain.security.model import Erasure

_COLUMNS = "id, tenant_id, reason, status, requested_at, erase_at, closed_at, keys_destroyed"


class PostgresErasures:
    """What is to be erased, and what was."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, erasure: Erasure) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_erasure ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) "
            "DO UPDATE SET (status, closed_at, keys_destroyed) "
            "= (excluded.status, excluded.closed_at, excluded.keys_destroyed)",
            erasure.id,
            erasure.tenant_id,
            erasure.reason,
            erasure.status,
            erasure.requested_at,
            erasure.erase_at,
            erasure.closed_at,
            erasure.keys_destroyed,
        )

    async def get(self, erasure_id: ErasureId) -> Erasure:
        """Locked until the transaction ends. Raises ErasureNotFound."""
        row = await self._sql.fetchrow(f"SELECT {_COLUMNS} FROM security_erasure WHERE id = $1 FOR UPDATE", erasure_id)
        if row is None:
            raise ErasureNotFound
        return Erasure(**dict(row))

    async def of(self, tenant: TenantId) -> Erasure | None:
        """The tenant's that waits or was done, if there is one."""
        row = await self._sql.fetchrow(
            f"SELECT {_COLUMNS} FROM security_erasure WHERE tenant_id = $1 AND status <> 'cancelled'", tenant
        )
        return Erasure(**dict(row)) if row else None

    async def page(self, *, cursor: str | None, limit: int) -> Page[Erasure]:
        """Newest first."""
        return await newest_first(
            self._session, "security_erasure", lambda row: Erasure(**dict(row)), cursor=cursor, limit=limit
        )

    async def destroy_keys(self, tenant: TenantId) -> int:
        """Every data key of the tenant; how many there were."""
        rows = await self._sql.fetch("DELETE FROM security_data_key WHERE tenant_id = $1 RETURNING id", tenant)
        return len(rows)

    async def keys_left(self, tenant: TenantId) -> int:
        """How many data keys the tenant has."""
        left: int = await self._sql.fetchval("SELECT count(*) FROM security_data_key WHERE tenant_id = $1", tenant)
        return left
