"""kill -9 of the relay at the worst moment: Temporal has taken the signals, the cursor is not written yet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from conftest import Stack, running_stack, until
from fakes import relay_process
from fakes.bus import changed
from pydantic import SecretStr

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import Settings
from adapters.temporal.embedded import EmbeddedTemporal
from domain.kernel.ids import TenantId
from worker.main import worker_of

SUBSCRIPTION = "analytics.event_counts"


def environment_of(settings: Settings) -> dict[str, str]:
    """These settings, as the environment of a process of ours."""
    values = {name: getattr(settings, name) for name in settings.model_fields_set}
    return {
        f"HARBORGRID_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
    }


@contextmanager
def relaying(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A relay in a process of its own, killed at the latest at the end of the block."""
    process = subprocess.Popen([sys.executable, relay_process.__file__ or ""], env=environment_of(settings))
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@asynccontextmanager
async def cursor_held(dsn: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Nobody can write a reader's cursor. A SHARE lock is taken without a transaction id, so the fence moves on."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE platform.bus_reader IN SHARE MODE")
            yield connection
    finally:
        await connection.close()


async def handled(stack: Stack, tenant: str) -> int:
    """How many events the projection's cursor says were handled."""
    count = await stack.container.database.pool.fetchval(
        "SELECT handled FROM bus_cursor WHERE subscription = $1 AND tenant_id = $2", SUBSCRIPTION, tenant
    )
    return count or 0


@pytest.fixture
async def own_stack(postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path) -> AsyncIterator[Stack]:
    """A platform whose relay the test runs itself."""
    async with running_stack(postgres, temporal, tmp_path, work=False) as stack, worker_of(stack.container):
        yield stack


class TestKillNine:
    async def test_between_acknowledgement_and_cursor_makes_nothing_twice_and_loses_nothing(
        self, own_stack: Stack
    ) -> None:
        stack = own_stack
        dsn = stack.settings.postgres_dsn.get_secret_value()
        with relaying(stack.settings) as relay:
            tenant = await stack.tenant()
            async with cursor_held(dsn) as witness:
                await self._append(stack, tenant.id, 25)

                async def signalled_but_not_written() -> bool:
                    waits = await witness.fetchval(
                        "SELECT count(*) FROM pg_locks WHERE relation = 'platform.bus_reader'::regclass AND NOT granted"
                    )
                    return bool(waits) and await handled(stack, tenant.id) == 31

                await until(signalled_but_not_written, what="the relay to stand between signal and cursor")
                before = await witness.fetchrow("SELECT xid, seq FROM platform.bus_reader WHERE name = 'relay'")
                relay.kill()
                relay.wait(10)
        newest = await stack.container.events.page(TenantId(tenant.id), limit=1)
        assert before is not None
        assert newest.items[0].position > (before["xid"], before["seq"])

        await self._append(stack, tenant.id, 1)
        with relaying(stack.settings):

            async def caught_up() -> bool:
                return await handled(stack, tenant.id) >= 32

            await until(caught_up, what="the next relay")
            counts = await tenant.get("/v1/analytics/event-counts")

        assert 32 == await handled(stack, tenant.id)
        assert {"analytics.dashboard.updated": 26} == {
            count["type"]: count["count"] for count in counts if count["type"] == "analytics.dashboard.updated"
        }
        assert 32 == sum(count["count"] for count in counts)

    @staticmethod
    async def _append(stack: Stack, tenant: str, count: int) -> None:
        async def work(session: Any) -> None:
            session.append(*(changed() for _ in range(count)), tenant=TenantId(tenant))

        await stack.container.database.run(None, work)
