"""`harborgrid doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from adapters.analytics.lake import TEMPLATE
from adapters.postgres.migrations import PLATFORM, TENANT, current_revision, head
from adapters.security.master_keys import master_keys
from adapters.settings import BadConfiguration, EventTransportKind, Settings, load_settings
from adapters.temporal.embedded import DYNAMIC, SQLITE
from analytics.lake import open_session
from cli.environment import complete_settings, uses_embedded_postgres
from domain.security.envelope import KEY_BYTES
from domain.security.errors import MasterKeyUnavailable, Undecipherable

Check = Callable[[Settings], Awaitable[str]]


class Wrong(Exception):
    """Something is not as it should be; the second argument is the fix."""


def main() -> int:
    """The command. Returns 1 if anything is wrong."""
    return asyncio.run(_examine(Console()))


async def _examine(console: Console) -> int:
    table = Table("check", "finding", "what to do")
    wrong = 0
    try:
        settings = complete_settings()
    except BadConfiguration as error:
        console.print(str(error), style="red")
        settings = load_settings()
        wrong += 1
    for name, check in CHECKS.items():
        try:
            table.add_row(name, f"[green]{await check(settings)}[/green]", "")
        except Wrong as error:
            wrong += 1
            table.add_row(name, f"[red]{error.args[0]}[/red]", error.args[1])
    console.print(table)
    return 1 if wrong else 0


async def _python(_: Settings) -> str:
    if sys.version_info < (3, 11):
        raise Wrong(f"Python {sys.version.split()[0]}", "install Python 3.11 or newer")
    return sys.version.split()[0]


async def _master_key(settings: Settings) -> str:
    probe, context = os.urandom(KEY_BYTES), {"purpose": "doctor"}
    try:
        keys = master_keys(settings)
        wrapped = await keys.wrap(probe, context=context)
        opened = await keys.unwrap(wrapped, master_key_id=keys.master_key_id, context=context)
    except BadConfiguration as error:
        raise Wrong("unusable", str(error)) from None
    except (MasterKeyUnavailable, Undecipherable) as error:
        raise Wrong("unusable", f"{error.message}; see docs/security.md") from None
    if opened != probe:
        raise Wrong("opens something else than it wrapped", "check HARBORGRID_KMS_ENDPOINT")
    return settings.kms_key or str(settings.master_key_path)


async def _database(settings: Settings) -> str:
    dsn = settings.postgres_owner_dsn.get_secret_value()
    fix = "run `make up`" if uses_embedded_postgres(load_settings()) else "check HARBORGRID_POSTGRES_OWNER_DSN"
    if not dsn:
        raise Wrong("no DSN", fix)
    try:
        connection = await asyncpg.connect(dsn, timeout=3)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise Wrong(f"does not answer: {error}", fix) from None
    try:
        return await _schema(connection)
    finally:
        await connection.close()


async def _schema(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    version = connection.get_server_version()
    if version.major < 18:
        raise Wrong(f"PostgreSQL {version.major}", "HarborGrid needs PostgreSQL 18")
    revision = await current_revision(connection, "platform")
    if revision != head(PLATFORM):
        raise Wrong(f"schema platform at {revision}, not {head(PLATFORM)}", "run `harborgrid migrate`")
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", TEMPLATE):
        raise Wrong("the lake template is missing", "run `harborgrid migrate`")
    behind = await connection.fetchval(
        "SELECT count(*) FROM platform.security_tenant WHERE status = 'active' AND schema_revision <> $1", head(TENANT)
    )
    if behind:
        raise Wrong(f"{behind} tenants are behind revision {head(TENANT)}", "POST /v1/security/tenant-migrations")
    return f"PostgreSQL {version.major}.{version.minor}, platform {revision}, tenants {head(TENANT)}"


async def _temporal(settings: Settings) -> str:
    try:
        client = await asyncio.wait_for(Client.connect(settings.temporal_address), 3)
        healthy = await client.service_client.check_health()
    except (RuntimeError, TimeoutError) as error:
        raise Wrong(f"does not answer: {error}", "run `make up`, or check HARBORGRID_TEMPORAL_ADDRESS") from None
    chosen = ", ".join(f"{name}={value}" for name, value in {**SQLITE, **DYNAMIC}.items())
    return f"{settings.temporal_address}, healthy: {healthy}; embedded settings: {chosen}"


async def _api(settings: Settings) -> str:
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            answer = await client.get(f"{settings.api_public_url}/readyz")
    except httpx.HTTPError as error:
        raise Wrong(f"does not answer: {error}", "run `make up`, or check HARBORGRID_API_PUBLIC_URL") from None
    if answer.status_code != 200:
        raise Wrong(f"not ready: {answer.text[:200]}", "look at the API's log")
    return settings.api_public_url


async def _mail(settings: Settings) -> str:
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(settings.smtp_host, settings.smtp_port), 3)
        banner = (await asyncio.wait_for(reader.readline(), 3)).decode(errors="replace").strip()
    except (OSError, TimeoutError) as error:
        raise Wrong(f"does not answer: {error}", "run `make up`, or check HARBORGRID_SMTP_HOST and _PORT") from None
    writer.close()
    return banner


async def _nats(settings: Settings) -> str:
    if settings.event_transport is not EventTransportKind.NATS:
        return "not used (HARBORGRID_EVENT_TRANSPORT=postgres)"
    host, _, port = settings.nats_url.rpartition("/")[2].partition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port or 4222)), 3)
    except (OSError, TimeoutError) as error:
        raise Wrong(f"does not answer: {error}", "start a NATS server, or check HARBORGRID_NATS_URL") from None
    writer.close()
    return settings.nats_url


async def _duckdb(_: Settings) -> str:
    with await asyncio.to_thread(open_session) as session:
        rows = session.sql("SELECT extension_name FROM duckdb_extensions() WHERE loaded ORDER BY 1").fetchall()
    return ", ".join(row[0] for row in rows)


async def _folders(settings: Settings) -> str:
    for path in (settings.data_dir, settings.objects_path, settings.lake_path):
        existing = next(folder for folder in (path.resolve(), *path.resolve().parents) if folder.exists())
        if not _is_writable(existing):
            raise Wrong(f"{existing} is not writable", "change its permissions, or the HARBORGRID_*_DIR that names it")
    return str(settings.data_dir.resolve())


def _is_writable(folder: Path) -> bool:
    import os  # noqa: PLC0415 - one question

    return os.access(folder, os.W_OK)


CHECKS: dict[str, Check] = {
    "Python": _python,
    "folders": _folders,
    "master key": _master_key,
    "PostgreSQL": _database,
    "Temporal": _temporal,
    "API": _api,
    "mail server": _mail,
    "NATS": _nats,
    "DuckDB extensions": _duckdb,
}
