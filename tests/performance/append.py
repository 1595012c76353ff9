"""The appender of the bus benchmark, a process of its own: `python -m performance.append MODE TENANT...`.

MODE is `burst` or `steady`; settings come from the environment.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import Database, connect
from adapters.postgres.session import Session
from adapters.postgres.wakeups import Wakeups
from adapters.settings import load_settings
from adapters.telemetry.logs import configure_logs
from domain.kernel.ids import TenantId
from domain.security.events import ApiKeyRevoked
from domain.security.ids import ApiKeyId

BURST, BATCH = 120_000, 1_000
RATE, STEADY_SECONDS = 1_000, 15


async def burst(database: Database, tenants: Sequence[TenantId]) -> float:
    """BURST events as fast as they go, BATCH to a transaction; events per second."""
    started = time.perf_counter()
    for number in range(BURST // BATCH):
        await append(database, tenants[number % len(tenants)], BATCH)
    return BURST / (time.perf_counter() - started)


async def steady(database: Database, tenants: Sequence[TenantId]) -> float:
    """RATE events a second, each in a transaction of its own; events per second."""
    started = time.perf_counter()
    writes = set()
    for number in range(RATE * STEADY_SECONDS):
        ahead = number / RATE - (time.perf_counter() - started)
        if ahead > 0:
            await asyncio.sleep(ahead)
        write = asyncio.create_task(append(database, tenants[number % len(tenants)], 1))
        writes.add(write)
        write.add_done_callback(writes.discard)
    await asyncio.gather(*writes)
    return RATE * STEADY_SECONDS / (time.perf_counter() - started)


async def append(database: Database, tenant: TenantId, number: int) -> None:
    """One transaction that announces `number` facts."""

    async def work(session: Session) -> None:
        key = new_id(ApiKeyId)
        now = utc_now()
        session.append(
            *(ApiKeyRevoked(api_key_id=key, reason="bench", occurred_at=now) for _ in range(number)), tenant=tenant
        )

    await database.run(None, work)


async def _main(mode: str, tenants: Sequence[TenantId]) -> None:
    wakeups = Wakeups()
    settings = load_settings()
    configure_logs(settings.model_copy(update={"log_level": "ERROR"}))
    dsn = settings.postgres_dsn.get_secret_value()
    async with (
        connect(dsn, size=8, application="append", notify=wakeups.announce) as database,
        wakeups.sent_through(database),
    ):
        rate = await (burst if mode == "burst" else steady)(database, tenants)
    print(json.dumps(rate))  # noqa: T201 - the answer


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], [TenantId(tenant) for tenant in sys.argv[2:]]))
