"""The fence: readers see every committed event, whenever it was committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import asyncpg
import pytest
from conftest import until
from fakes.bus import Bus, bus_of_its_own, changed, title
from prometheus_client import REGISTRY

from adapters.bus.store import PostgresEventReader
from adapters.bus.transport import PostgresTransport
from adapters.kernel.clock import new_id
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import APPEND, Session, event_rows
from adapters.postgres.wakeups import CHANNEL
from domain.bus.event import START, EventId
from domain.kernel.ids import TenantId
from worker.gauges import refresh_gauges

WRITERS, EACH = 6, 25


@pytest.fixture
async def bus(postgres: EmbeddedPostgres) -> AsyncIterator[Bus]:
    """A database of the test's own."""
    async with bus_of_its_own(postgres) as opened:
        yield opened


async def _appender(bus: Bus, seed: int) -> None:
    """Appends, and commits after a moment of its own choosing; every fifth change is taken back."""
    for number in range(EACH):
        with suppress(LookupError):
            async with bus.database.pool.acquire() as connection, connection.transaction():
                session = Session(connection, None)
                session.append(changed(), tenant=new_id(TenantId))
                await session.flush()
                await asyncio.sleep((number * 7 + seed * 3) % 10 / 1000)
                if number % 5 == 4:
                    raise LookupError


async def _naive_reader(bus: Bus, seen: set[EventId]) -> None:
    """What many outboxes do: everything after the highest number seen so far."""
    last = 0
    while True:
        rows = await bus.database.pool.fetch("SELECT seq, id FROM events WHERE seq > $1 ORDER BY seq", last)
        seen |= {EventId(row["id"]) for row in rows}
        last = max([last, *(row["seq"] for row in rows)])
        await asyncio.sleep(0.001)


async def _fenced_reader(bus: Bus, seen: list[EventId]) -> None:
    async with aclosing(PostgresTransport(bus.database).deliveries("fenced")) as deliveries:
        async for delivery in deliveries:
            seen += [arrival.event().id for arrival in delivery.arrivals]
            await delivery.ack()


class TestConcurrentAppenders:
    async def test_lose_nothing_where_following_the_highest_number_would(self, postgres: EmbeddedPostgres) -> None:
        async with bus_of_its_own(postgres, pool=WRITERS + 4) as bus:
            naive: set[EventId] = set()
            fenced: list[EventId] = []
            readers = [asyncio.create_task(_naive_reader(bus, naive)), asyncio.create_task(_fenced_reader(bus, fenced))]
            await asyncio.gather(*(_appender(bus, seed) for seed in range(WRITERS)))
            rows = await bus.database.pool.fetch("SELECT id FROM events ORDER BY xid, seq")
            committed = [EventId(row["id"]) for row in rows]

            async def all_read() -> bool:
                return len(fenced) >= len(committed)

            await until(all_read, what="the fenced reader")
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

        assert WRITERS * EACH * 4 // 5 == len(committed)
        assert committed == fenced
        assert set(committed) > naive


class TestLongTransaction:
    async def test_holds_readers_back_raises_the_gauge_and_lets_go(self, bus: Bus) -> None:
        events = PostgresEventReader(bus.database)
        slow = await asyncpg.connect(bus.dsn)
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("SELECT pg_current_xact_id()")
        await bus.append(new_id(TenantId), changed(title="behind the fence"))

        async def age() -> float:
            await refresh_gauges(bus.database, events)
            return REGISTRY.get_sample_value("bus_fence_age_seconds") or 0

        async def is_old() -> bool:
            return await age() > 0.2

        await until(is_old, what="the fence's age to rise")
        held_back = await events.after(START, limit=10)
        await transaction.commit()
        await slow.close()

        async def flows() -> list[str]:
            return [title(event) for event in await events.after(START, limit=10)]

        assert [] == held_back
        assert ["behind the fence"] == await until(flows, what="readers to resume")
        assert 0.2 > await age()

    async def test_reaches_a_waiting_reader_though_its_wake_up_came_too_early(self, bus: Bus) -> None:
        slow = await asyncpg.connect(bus.dsn)
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("SELECT pg_current_xact_id()")
        async with aclosing(PostgresTransport(bus.database).deliveries("patient")) as deliveries:
            next_one = asyncio.create_task(anext(deliveries))
            await bus.append(new_id(TenantId), changed(title="early"))
            await transaction.commit()
            await slow.close()

            assert "early" == title((await asyncio.wait_for(next_one, 5)).arrivals[0].event())


class TestWakeUps:
    async def test_may_come_twice(self, bus: Bus) -> None:
        seen: list[EventId] = []
        task = asyncio.create_task(_fenced_reader(bus, seen))
        for _ in range(20):
            await bus.append(new_id(TenantId), changed())
            await bus.database.pool.execute(f"NOTIFY {CHANNEL}")
            await bus.database.pool.execute(f"NOTIFY {CHANNEL}")
        committed = await bus.database.pool.fetchval("SELECT count(*) FROM events")

        async def all_read() -> bool:
            return bool(len(seen) >= committed)

        await until(all_read, what="the reader")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert committed == len(set(seen)) == len(seen)

    async def test_may_be_lost(self, bus: Bus) -> None:
        async with aclosing(PostgresTransport(bus.database).deliveries("unawakened")) as deliveries:
            next_one = asyncio.create_task(anext(deliveries))
            rows = list(zip(*event_rows([changed(title="quiet")], new_id(TenantId)), strict=True))
            await bus.database.pool.execute(APPEND, *rows)

            assert ["quiet"] == [title(one.event()) for one in (await asyncio.wait_for(next_one, 5)).arrivals]
