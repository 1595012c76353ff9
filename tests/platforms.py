"""A platform of real processes, as `harborgrid up` runs it, and what a bystander can see and hold of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from conftest import free_port, until
from rich.console import Console

from adapters.kernel.clock import new_id
from adapters.notifications.mailbox import Mailbox
from adapters.settings import Settings
from cli.environment import embedded_postgres, operator_key_path
from cli.up import Up
from domain.kernel.ids import RequestId


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted onboarding."""

    id: str
    tenant: str
    email: str

    @property
    def gates(self) -> tuple[str, ...]:
        """The lock on which each step begins, in order."""
        return (
            f"billing_platform_subscription/{self.id}",
            f"security_tenant/{self.tenant}",
            f"analytics_lake/{self.tenant}",
            f"notifications_delivery/welcome/{self.tenant}",
        )


class Platform:
    """A platform of real processes, and what a bystander can see of it."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.server = embedded_postgres(up.settings)
        self.mailbox = Mailbox(up.data / "mail")
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{up.settings.api_port}",
            headers={"X-API-Key": operator_key_path(up.settings).read_text().strip()},
            timeout=10,
        )

    def kill(self, victim: str) -> None:
        """Kill -9."""
        os.kill(self.up.supervisor.pids[victim], signal.SIGKILL)

    async def recovered(self, victim: str, old_pid: int) -> None:
        """Wait until the victim runs again."""

        async def again() -> bool:
            pid = self.up.supervisor.pids.get(victim)
            return pid is not None and pid != old_pid and await self.up.services[victim].ready()

        await until(again, what=f"{victim} to be started again")

    async def connect(self) -> asyncpg.Connection[Any]:
        """A connection that sees everything."""
        return await asyncpg.connect(self.server.dsn("postgres"))

    async def request(self) -> Request:
        """Ask for an onboarding, as stubbornly as a client with an Idempotency-Key may."""
        name = new_id(RequestId).rpartition("_")[2]
        body = {"organisation": f"Org {name}", "ownerName": "Ada", "ownerEmail": f"{name}@example.com"}

        async def accepted() -> dict[str, Any] | None:
            answer = await self.ask("POST", "/v1/workflow/onboardings", json=body, headers={"Idempotency-Key": name})
            return answer.json()["data"] if answer is not None and answer.status_code == 202 else None

        data = await until(accepted, what="an accepted onboarding")
        return Request(data["id"], data["tenantId"], body["ownerEmail"])

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        """An answer, or None while the API is down."""
        try:
            return await self.http.request(method, path, **options)
        except httpx.TransportError:
            return None

    async def ended(self, request: Request) -> str:
        """How the onboarding ended."""

        async def status() -> str | None:
            answer = await self.ask("GET", f"/v1/workflow/onboardings/{request.id}")
            if answer is None or answer.status_code != 200:
                return None
            found: str = answer.json()["data"]["status"]
            return found if found != "running" else None

        result: str = await until(status, seconds=90, what=f"the end of {request.id}")
        return result

    async def cancel(self, request: Request) -> None:
        """Have it undone."""

        async def accepted() -> bool:
            answer = await self.ask("POST", f"/v1/workflow/onboardings/{request.id}/cancel", json={})
            return answer is not None and answer.status_code == 202

        await until(accepted, what="the cancellation to be accepted")

    async def events(self, request: Request) -> list[str]:
        """The story so far."""
        connection = await self.connect()
        try:
            rows = await connection.fetch(
                "SELECT type FROM platform.events WHERE metadata ->> 'correlationId' = $1 ORDER BY xid, seq", request.id
            )
        finally:
            await connection.close()
        return [row["type"] for row in rows]

    async def traces(self, request: Request) -> dict[str, Any]:
        """Everything an onboarding can leave behind, counted."""
        connection = await self.connect()
        try:
            row = await connection.fetchrow(
                """
                SELECT (SELECT count(*) FROM platform.billing_platform_subscription
                         WHERE tenant_id = $1) AS subscriptions,
                       (SELECT count(*) FROM platform.billing_platform_subscription
                         WHERE tenant_id = $1 AND status = 'active') AS active,
                       (SELECT count(*) FROM pg_namespace WHERE nspname IN ($1, 'lake_' || $1)) AS schemas,
                       (SELECT count(*) FROM pg_roles WHERE rolname IN ('hg_' || $1, 'lake_' || $1)) AS roles,
                       (SELECT count(*) FROM platform.security_api_key
                         WHERE tenant_id = $1 AND status <> 'revoked') AS keys
                """,
                request.tenant,
            )
        finally:
            await connection.close()
        assert row is not None
        mails = [mail for mail in self.mailbox.mails() if request.email in mail["to"]]
        return {**dict(row), "mails": len(mails)}

    @asynccontextmanager
    async def held(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """Somebody who can `hold` steps at their beginning, and lets go of all of them at the end."""
        connection = await self.connect()
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.close()

    async def blocked(self, connection: asyncpg.Connection[Any], expected: int) -> None:
        """Wait until this many transactions wait at gates."""

        async def waiting() -> bool:
            count = await connection.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
                "AND mode = 'ExclusiveLock' AND pid IN (SELECT pid FROM pg_stat_activity WHERE state = 'active' "
                "AND query LIKE '%pg_advisory_xact_lock%')"
            )
            return bool(count >= expected)

        await until(waiting, what=f"{expected} steps at their gates")


@asynccontextmanager
async def running_platform(folder: Path) -> AsyncIterator[Platform]:
    """`harborgrid up`, in this folder and on ports of its own."""
    api_port, temporal_port = free_port(), free_port()
    settings = Settings(
        data_dir=folder,
        postgres_port=free_port(),
        api_port=api_port,
        api_public_url=f"http://127.0.0.1:{api_port}",
        temporal_port=temporal_port,
        temporal_ui_port=free_port(),
        smtp_port=free_port(),
        mailbox_port=free_port(),
        payment_simulator_port=free_port(),
        worker_metrics_port=free_port(),
        worker_sdk_metrics_port=free_port(),
    )
    stop, told = asyncio.Event(), StringIO()
    up = Up(settings, Console(file=told, width=200))
    task = asyncio.create_task(up.run(stop))

    async def started() -> bool:
        if task.done():
            task.result()
        return "Ctrl-C" in told.getvalue()

    await until(started, seconds=90, what="harborgrid up")
    platform = Platform(up)
    try:
        yield platform
    finally:
        await platform.http.aclose()
        stop.set()
        await task


async def hold(connection: asyncpg.Connection[Any], gate: str) -> None:
    """A session's lock, so that no transaction holds back the events."""
    await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", gate)


def waits_for(what: str, connection: asyncpg.Connection[Any]) -> Any:
    """For a lock, in a statement that says this."""

    async def waits() -> bool:
        found = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1)",
            f"%{what}%",
        )
        return bool(found)

    return waits
