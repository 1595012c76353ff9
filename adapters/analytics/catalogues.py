"""The catalogues of the tenants' lakes: schema and reader role `lake_<tenant>`; needs the owner's connection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adapters.postgres.embedded import APP
from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from adapters.postgres.spares import Kind
from domain.kernel.ids import Id, TenantId

if TYPE_CHECKING:
    from adapters.postgres.migrations import Connection


class PostgresLakes:
    """The lakes of tenants."""

    def __init__(self, session: Session, files: Path) -> None:
        self._session = session
        self._files = files

    async def hold(self, tenant_id: TenantId) -> bool:
        """Wait for others who make or drop this lake."""
        await hold(self._session, f"analytics_lake/{tenant_id}")
        return bool(await self._session.sql.fetchval("SELECT to_regnamespace($1) IS NOT NULL", f'"{tenant_id}"'))

    async def create(self, tenant_id: TenantId) -> None:
        """Make the catalogue, and let it know where its files are."""
        tenant = TenantId.parse(tenant_id)
        await CATALOGUES.create(self._session.sql, tenant)
        await self._session.sql.execute(
            f"UPDATE \"lake_{tenant}\".ducklake_metadata SET value = $1 WHERE key = 'data_path'",
            f"{self._files / tenant}/",
        )

    async def drop(self, tenant_id: TenantId) -> None:
        """Drop catalogue and reader."""
        await CATALOGUES.drop(self._session.sql, TenantId.parse(tenant_id))


async def _copy_template(sql: Connection, of: Id) -> None:
    """The application writes to it, the role of the same name reads it."""
    schema = f"lake_{of}"
    await sql.execute("SELECT platform.clone_lake($1, '')", schema)
    await sql.execute(f"""
        CREATE ROLE "{schema}" LOGIN PASSWORD NULL NOINHERIT CONNECTION LIMIT 20;
        GRANT USAGE, CREATE ON SCHEMA "{schema}" TO "{APP}";
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{schema}" TO "{APP}";
        GRANT USAGE ON SCHEMA "{schema}" TO "{schema}";
        GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO "{schema}";
        ALTER DEFAULT PRIVILEGES FOR ROLE "{APP}" IN SCHEMA "{schema}" GRANT SELECT ON TABLES TO "{schema}";
    """)


CATALOGUES = Kind("lake", schema="lake_{}", role="lake_{}", revisions=lambda: ("1",), make=_copy_template)
"""Its revision grows with the template's tables."""
