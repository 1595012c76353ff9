"""`harborgrid sql`: a DuckDB shell on one tenant's lake that can read and nothing else."""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import timedelta
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import duckdb
from rich.console import Console
from rich.table import Table

from adapters.kernel.clock import utc_now
from adapters.settings import Settings
from analytics.lake import attach, lock_down, open_session, refuse_changes
from cli.environment import complete_settings
from domain.analytics.errors import LakeNotFound, StatementRefused
from domain.kernel.ids import TenantId

_LIFETIME = timedelta(hours=12)
_ROWS = 1000


def main(tenant: str, statement: str) -> int:
    """The command. Returns the exit code: 1 if the one statement failed."""
    settings = complete_settings()
    try:
        tenant_id = TenantId.parse(tenant)
    except ValueError as error:
        raise LakeNotFound(f"--tenant: {error}") from None
    console = Console()
    with open_session() as session:
        attach(session, asyncio.run(_reader_dsn(settings, tenant_id)), f"lake_{tenant_id}")
        lock_down(session, settings.lake_path.resolve() / tenant_id)
        if statement:
            return 0 if _answer(session, statement, console) else 1
        if sys.stdin.isatty():
            console.print("DuckDB on the lake of this tenant, read-only. Tables: SHOW ALL TABLES; end with Ctrl-D.")
        return _shell(session, console)


async def _reader_dsn(settings: Settings, tenant: TenantId) -> str:
    """A DSN for the tenant's lake reader with a fresh password. Raises LakeNotFound."""
    password, until = secrets.token_urlsafe(24), utc_now() + _LIFETIME
    owner = settings.postgres_owner_dsn.get_secret_value()
    connection = await asyncpg.connect(owner)
    try:
        await connection.execute(
            f"ALTER ROLE \"lake_{tenant}\" PASSWORD '{password}' VALID UNTIL '{until.isoformat()}'"
        )
    except asyncpg.UndefinedObjectError:
        raise LakeNotFound(tenant_id=tenant) from None
    finally:
        await connection.close()
    url = urlsplit(owner)
    host = url.netloc.rpartition("@")[2]
    return urlunsplit(url._replace(netloc=f"lake_{tenant}:{quote(password)}@{host}"))


def _shell(session: duckdb.DuckDBPyConnection, console: Console) -> int:
    pending = ""
    while True:
        try:
            line = input("" if not sys.stdin.isatty() else "   ...> " if pending else "lake> ")
        except EOFError:
            return 0 if not pending.strip() or _answer(session, pending, console) else 1
        except KeyboardInterrupt:
            pending = ""
            console.print()
            continue
        pending += line + "\n"
        if line.rstrip().endswith(";"):
            _answer(session, pending, console)
            pending = ""


def _answer(session: duckdb.DuckDBPyConnection, statement: str, console: Console) -> bool:
    try:
        refuse_changes(session, statement)
        result = session.execute(statement)
        columns = [column[0] for column in result.description or ()]
        rows = result.fetchmany(_ROWS + 1)
    except StatementRefused as refused:
        console.print(f"[red]{refused.message}[/red] {refused.hint}")
        return False
    except duckdb.Error as error:
        console.print(str(error), style="red", markup=False)
        return False
    table = Table(*columns)
    for row in rows[:_ROWS]:
        table.add_row(*("NULL" if value is None else str(value) for value in row))
    console.print(table)
    console.print(f"more than {_ROWS} rows: add a LIMIT" if len(rows) > _ROWS else f"{len(rows)} rows", style="dim")
    return True
