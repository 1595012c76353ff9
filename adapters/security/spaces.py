"""The tenants' schemas and roles: schema `<tenant>`, role `hg_<tenant>`; needs the owner's connection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from adapters.postgres.database import PLATFORM
from adapters.postgres.embedded import APP
from adapters.postgres.migrations import TENANT, head, migrate_schema, revisions, tenant_schema_sql
from adapters.postgres.session import Session
from adapters.postgres.spares import Kind
from domain.kernel.ids import Id, TenantId

if TYPE_CHECKING:
    from adapters.postgres.migrations import Connection


class PostgresTenantSpaces:
    """Schemas and roles; needs the owner's connection."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def create(self, tenant_id: TenantId) -> str:
        """Make role, schema and tables."""
        await SPACES.create(self._session.sql, TenantId.parse(tenant_id))
        return await self._at(tenant_id, head(TENANT))

    async def migrate(self, tenant_id: TenantId) -> str:
        """Bring the schema to the newest revision."""
        return await self._at(tenant_id, await migrate_schema(self._session.sql, tenant_id, TENANT))

    async def _at(self, tenant_id: TenantId, revision: str) -> str:
        await self._session.sql.execute(PLATFORM)
        await self._session.sql.execute(
            "UPDATE security_tenant SET schema_revision = $2 WHERE id = $1", tenant_id, revision
        )
        return revision

    async def drop(self, tenant_id: TenantId) -> None:
        """Drop schemas and roles, whichever exist."""
        sql = self._session.sql
        await sql.execute(f'DROP SCHEMA IF EXISTS "{TenantId.parse(tenant_id)}" CASCADE')
        await sql.execute(f'DROP SCHEMA IF EXISTS "lake_{tenant_id}" CASCADE')
        for role in (f"hg_{tenant_id}", f"lake_{tenant_id}"):
            if await sql.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await sql.execute(f'DROP ROLE "{role}"')


async def _make(sql: Connection, of: Id) -> None:
    await sql.execute(tenant_schema_sql(of, APP))
    await migrate_schema(sql, of, TENANT)


SPACES = Kind("space", schema="{}", role="hg_{}", revisions=partial(revisions, TENANT), make=_make)
