"""The event bus: how many events a second are consumed end to end, and how late they are at a steady rate."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from conftest import until

from adapters.analytics.event_counts import EventCounts
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.container import open_container
from adapters.kernel.clock import utc_now
from adapters.kernel.memory import settle
from adapters.postgres.session import Session
from adapters.temporal.namespace import ensure_namespace
from cli.up import as_environment
from domain.bus.event import RecordedEvent
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId
from performance.append import BURST, RATE, STEADY_SECONDS
from performance.report import Figure
from performance.stage import ROOT, Stage, provisioned, stage
from worker.main import worker_of
from worker.relay import Relay

TENANTS, STEADY_TENANTS = 8, 4


class TimedCounts(EventCounts):
    """The product's projection, and when each event reached it."""

    def __init__(self) -> None:
        self.count = 0
        self.late_ms: list[float] = []

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Count, and note how late."""
        await super().handle(session, tenant, events)
        now = utc_now()
        self.count += len(events)
        self.late_ms += [(now - event.timestamp).total_seconds() * 1000 for event in events]


async def measure(folder: Path) -> list[Figure]:
    """Relay and worker share one process; the appender, PostgreSQL and Temporal have their own."""
    async with stage(folder, temporal=True) as on:
        await ensure_namespace(on.settings, asyncio.Event())
        async with open_container(on.settings, process="bench", lazy=False) as container:
            counts = TimedCounts()
            container.subscriptions = PostgresSubscriptions(container.database, [counts], CATALOGUE)
            tenants = [await provisioned(container) for _ in range(TENANTS)]
            relay = Relay(container.database, container.subscriptions, container.starter)
            async with worker_of(container), container.transport() as transport:
                task = asyncio.create_task(relay.run(transport))
                try:
                    await _until(counts, TENANTS)
                    settle()
                    appended, consumed = await _burst(on, counts, tenants)
                    late = await _steady(on, counts, tenants[:STEADY_TENANTS])
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
    p99 = quantiles(late, n=100)[98]
    return [
        Figure(
            what="Events consumed end to end, in a burst",
            baseline="events appended per second alone, in batches of 1,000",
            measured=f"{consumed:,.0f} events/s consumed while appended at {appended:,.0f} events/s",
            ratio=consumed / appended,
            goal="at least 15,000 events/s",
            met=consumed >= 15_000,
        ),
        Figure(
            what=f"Lag at {RATE:,} events/s of {STEADY_TENANTS} tenants, from the event's timestamp to its effect",
            baseline="100 ms",
            measured=f"p50 {quantiles(late, n=100)[49]:.0f} ms, p99 {p99:.0f} ms",
            ratio=p99 / 100,
            goal="p99 under 100 ms",
            met=p99 < 100,
        ),
    ]


async def _burst(on: Stage, counts: TimedCounts, tenants: Sequence[TenantId]) -> tuple[float, float]:
    alone = counts.count + BURST
    started = time.perf_counter()
    appended = await _appended(on, "burst", tenants)
    await _until(counts, alone)
    return appended, BURST / (time.perf_counter() - started)


async def _steady(on: Stage, counts: TimedCounts, tenants: Sequence[TenantId]) -> list[float]:
    counts.late_ms.clear()
    target = counts.count + RATE * STEADY_SECONDS
    await _appended(on, "steady", tenants)
    await _until(counts, target)
    return counts.late_ms


async def _appended(on: Stage, mode: str, tenants: Sequence[TenantId]) -> float:
    """Have the appender, a process of its own, append; its rate in events per second."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "performance.append", mode, *tenants),
        cwd=ROOT,
        env={**os.environ, **as_environment(on.settings), "PYTHONPATH": str(ROOT / "tests")},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return float(json.loads(out))


async def _until(counts: TimedCounts, target: int) -> None:
    async def there() -> bool:
        return counts.count >= target

    await until(there, seconds=120, what=f"{target} events")
