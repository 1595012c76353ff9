"""Migrations: plain SQL, kept and ordered by Alembic, run per schema in one transaction each.

Alembic brings SQLAlchemy along, a second of loading: it is imported where it is needed, not at every start.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.kernel.ids import Id

if TYPE_CHECKING:
    import asyncpg
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

_REVISIONS = Path(__file__).parent / "revisions"
PLATFORM, TENANT = "platform", "tenant"


class NewerSchema(Exception):
    """The database was migrated by a newer release; this one must not touch it."""


def head(branch: str) -> str:
    """The newest revision of a branch (`platform` or `tenant`)."""
    newest = _script(branch).get_current_head()
    assert newest is not None
    return newest


@cache
def revisions(branch: str) -> tuple[str, ...]:
    """Every revision of a branch, oldest first."""
    return tuple(reversed([revision.revision for revision in _script(branch).walk_revisions()]))


@cache
def upgrade_sql(branch: str, current: str | None) -> str:
    """The SQL that leads a schema of this branch from `current` (None: empty) to the head; empty if there.

    Raises NewerSchema if this release does not know `current`.
    """
    if current is not None and current not in revisions(branch):
        raise NewerSchema(
            f"the {branch} schema is at revision {current}, this release knows up to {head(branch)}. "
            "Update HarborGrid, or restore the backup made before the newer release was started."
        )
    if current == head(branch):
        return ""
    from alembic import command

    config = _config(branch)
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{current or 'base'}:head", sql=True)
    return config.output_buffer.getvalue()


async def current_revision(connection: Connection, schema: str) -> str | None:
    """The revision this schema is at, or None if it was never migrated."""
    if await connection.fetchval("SELECT to_regclass($1)", f'"{schema}".alembic_version') is None:
        return None
    revision: str | None = await connection.fetchval(f'SELECT version_num FROM "{schema}".alembic_version')
    return revision


async def migrate_schema(connection: Connection, schema: str, branch: str) -> str:
    """Bring one schema to the head, in the connection's transaction; returns the revision.

    Concurrent callers wait for each other. Raises NewerSchema.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"migrate/{schema}")
    sql = upgrade_sql(branch, await current_revision(connection, schema))
    if sql:
        path = f'"{schema}"' if branch == PLATFORM else f'"{schema}", platform'
        await connection.execute(f"SET LOCAL search_path TO {path}; {sql}")
    return head(branch)


def tenant_schema_sql(tenant: Id, app_role: str) -> str:
    """The statements that create a tenant's role and empty schema."""
    role = f"hg_{type(tenant).parse(tenant)}"
    return f"""
        CREATE ROLE "{role}" NOLOGIN INHERIT IN ROLE harborgrid_tenant;
        GRANT "{role}" TO "{app_role}" WITH INHERIT FALSE, SET TRUE;
        CREATE SCHEMA "{tenant}";
        GRANT USAGE ON SCHEMA "{tenant}" TO "{role}";
        ALTER DEFAULT PRIVILEGES IN SCHEMA "{tenant}" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}";
    """


def _script(branch: str) -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(branch))


def _config(branch: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_REVISIONS / branch))
    config.set_main_option("path_separator", "os")
    return config
