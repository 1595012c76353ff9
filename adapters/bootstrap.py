"""From an empty PostgreSQL to a migrated platform: roles and database (embedded), schema and lake template."""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from adapters.analytics.catalogues import CATALOGUES
from adapters.analytics.lake import TEMPLATE, make_template
from adapters.postgres.embedded import APP, OWNER, EmbeddedPostgres
from adapters.postgres.migrations import PLATFORM, migrate_schema

log = structlog.get_logger(__name__)

_ROLES = """
CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD '{owner_password}';
CREATE ROLE {app} LOGIN PASSWORD '{app_password}';
GRANT {app} TO {owner};
GRANT pg_monitor TO {app};
"""


async def create_database(server: EmbeddedPostgres, name: str = "harborgrid") -> None:
    """Make the login roles and the database on the embedded server, whichever are missing."""
    connection = await asyncpg.connect(server.dsn("postgres", "postgres"))
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER):
            await connection.execute(
                _ROLES.format(
                    owner=OWNER, app=APP, owner_password=server.password(OWNER), app_password=server.password(APP)
                )
            )
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
            await connection.execute(
                f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC; GRANT CONNECT ON DATABASE "{name}" TO PUBLIC'
            )
    finally:
        await connection.close()


async def migrate_platform(owner_dsn: str) -> str:
    """Bring schema `platform` to the newest revision and see that the lake template exists; the revision.

    Safe to run from several processes at once. Raises NewerSchema.
    """
    connection = await asyncpg.connect(owner_dsn)
    try:
        # Taken for the session: the template is made by DuckDB on a connection of its own.
        await connection.execute("SELECT pg_advisory_lock(hashtextextended('harborgrid/bootstrap', 0))")
        async with connection.transaction():
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'harborgrid_tenant'"):
                await connection.execute("CREATE ROLE harborgrid_tenant NOLOGIN")
            # Rebuilding a projection makes its shadow as a temporary table, with the tenant's rights only.
            database = await connection.fetchval("SELECT current_database()")
            await connection.execute(f'GRANT TEMPORARY ON DATABASE "{database}" TO harborgrid_tenant')
            await connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
            revision = await migrate_schema(connection, "platform", PLATFORM)
        if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{TEMPLATE}.ducklake_metadata"):
            async with connection.transaction():
                await CATALOGUES.discard(connection)
                await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {TEMPLATE}")
            await asyncio.to_thread(make_template, owner_dsn)
        log.info("platform.migrated", revision=revision)
        return revision
    finally:
        await connection.close()
