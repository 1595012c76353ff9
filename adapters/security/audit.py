"""Reads the audit trail; it is written by `adapters.postgres.session` with the transaction it tells of."""

from __future__ import annotations

from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.rows import newest_first
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page


class AuditReader:
    """The audit trail, read as the tenant's own role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[dict[str, Any]]:
        """Newest first."""
        return await self._database.read(
            tenant,
            lambda session: newest_first(
                session,
                "platform.security_audit",
                dict,
                where="$1::text IS NULL OR tenant_id = $1",
                values=(tenant,),
                cursor=cursor,
                limit=limit,
            ),
        )
