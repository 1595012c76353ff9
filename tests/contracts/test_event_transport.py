"""What every transport promises, on the real servers: all that is committed, in order, again until acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from conftest import running_stack, until
from fakes.bus import Bus, bus_of_its_own, changed, title
from fakes.nats_server import NatsServer, without_stream
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from adapters.bus.nats import NatsTransport, nats_transport
from adapters.bus.store import PostgresEventReader
from adapters.bus.transport import PostgresTransport
from adapters.kernel.clock import new_id
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import Session
from adapters.settings import EventTransportKind
from adapters.temporal.embedded import EmbeddedTemporal
from domain.bus.event import START, RecordedEvent
from domain.bus.ports import Delivery, EventTransport
from domain.kernel.ids import TenantId
from worker.main import run_worker

PATIENCE_SECONDS = 10
T = TypeVar("T")
# How a lost connection shows depends on what the driver was doing.
CUT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A server for this test process."""
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.kill()


@dataclass
class Carrier:
    """A transport over a fresh store."""

    bus: Bus
    transport: EventTransport

    async def append(self, tenant: TenantId | None, *titles: str) -> None:
        await self.bus.append(tenant, *(changed(title=name) for name in titles))


@asynccontextmanager
async def pumping(transport: NatsTransport) -> AsyncIterator[None]:
    """The pump runs for the length of the block."""
    task = asyncio.create_task(transport.pump_for_ever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(params=["postgres", "nats"])
async def carrier(request: pytest.FixtureRequest, postgres: EmbeddedPostgres) -> AsyncIterator[Carrier]:
    """Either transport."""
    async with AsyncExitStack() as opened:
        bus = await opened.enter_async_context(bus_of_its_own(postgres))
        if request.param == "postgres":
            yield Carrier(bus, PostgresTransport(bus.database))
            return
        server: NatsServer = request.getfixturevalue("nats_server")
        await without_stream(server)
        transport = await opened.enter_async_context(nats_transport(server.url, bus.database))
        await opened.enter_async_context(pumping(transport))
        yield Carrier(bus, transport)


async def next_events(
    deliveries: AsyncGenerator[Delivery, None], count: int, *, ack: bool = True
) -> list[RecordedEvent]:
    """Events of as many deliveries as it takes to have so many."""
    events: list[RecordedEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(events) < count:
            delivery = await anext(deliveries)
            events += [arrival.event() for arrival in delivery.arrivals]
            if ack:
                await delivery.ack()
    return events


async def next_titles(deliveries: AsyncGenerator[Delivery, None], count: int, *, ack: bool = True) -> list[str]:
    """Their titles."""
    return [title(event) for event in await next_events(deliveries, count, ack=ack)]


async def cut_leaders(bus: Bus) -> None:
    """The network goes between this database and whoever leads."""
    connection = await asyncpg.connect(bus.server.dsn("postgres", bus.name))
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database "
        "WHERE locktype = 'advisory' AND granted AND datname = current_database()"
    )
    await connection.close()


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[Tasks]:
    """Tasks that end with the block."""
    tasks = Tasks()
    try:
        yield tasks
    finally:
        await tasks.end()


class Tasks:
    """Tasks that are cancelled together."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    def create_task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class TestDeliveries:
    async def test_carry_all_that_is_committed_in_the_stores_order(self, carrier: Carrier) -> None:
        await asyncio.gather(*(_appender(carrier.bus, seed) for seed in range(4)))
        stored = await PostgresEventReader(carrier.bus.database).after(START, limit=1000)

        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            carried = await next_events(deliveries, len(stored))

        assert 4 * 15 == len(stored)
        assert list(stored) == carried

    async def test_carry_what_belongs_to_the_platform_too(self, carrier: Carrier) -> None:
        await carrier.append(None, "the platform's")

        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            [event] = await next_events(deliveries, 1)

        assert event.tenant_id is None
        assert "the platform's" == title(event)

    async def test_come_again_after_a_crash_unless_they_were_acknowledged(self, carrier: Carrier) -> None:
        tenant = new_id(TenantId)
        await carrier.append(tenant, "a", "b")
        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            assert ["a", "b"] == await next_titles(deliveries, 2)
            await carrier.append(tenant, "c", "d")
            assert ["c", "d"] == await next_titles(deliveries, 2, ack=False)
            # More came before the crash: what was not acknowledged must not be overtaken by it.
            await carrier.append(tenant, "e")
            assert ["e"] == await next_titles(deliveries, 1, ack=False)

        await carrier.append(tenant, "f")
        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            again = await next_titles(deliveries, 4)
        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            await carrier.append(tenant, "g")
            last = await next_titles(deliveries, 1)

        assert ["c", "d", "e", "f"] == again
        assert ["g"] == last

    async def test_end_with_an_error_when_the_readers_connection_is_cut_and_go_on_with_the_next(
        self, carrier: Carrier
    ) -> None:
        tenant = new_id(TenantId)
        await carrier.append(tenant, "a")
        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            assert ["a"] == await next_titles(deliveries, 1, ack=False)
            await cut_leaders(carrier.bus)
            with pytest.raises(CUT):
                await next_titles(deliveries, 1)

        async with aclosing(carrier.transport.deliveries("reader")) as deliveries:
            assert ["a"] == await next_titles(deliveries, 1)

    async def test_wait_for_a_second_reader_of_the_name_until_the_first_is_gone(self, carrier: Carrier) -> None:
        tenant = new_id(TenantId)
        await carrier.append(tenant, "a")
        async with (
            nothing_left_behind() as tasks,
            aclosing(carrier.transport.deliveries("reader")) as first,
            aclosing(carrier.transport.deliveries("reader")) as second,
        ):
            assert ["a"] == await next_titles(first, 1)
            standing_by = tasks.create_task(next_titles(second, 1))
            await carrier.append(tenant, "b")
            assert ["b"] == await next_titles(first, 1, ack=False)
            is_standing_by = not standing_by.done()
            await first.aclose()

            assert is_standing_by
            assert ["b"] == await standing_by

    async def test_are_everything_to_a_reader_of_another_name(self, carrier: Carrier) -> None:
        await carrier.append(new_id(TenantId), "a", "b", "c")

        for reader in ("one", "another"):
            async with aclosing(carrier.transport.deliveries(reader)) as deliveries:
                assert ["a", "b", "c"] == await next_titles(deliveries, 3)

    async def test_use_no_connection_while_they_stand_by(self, carrier: Carrier) -> None:
        pool = carrier.bus.database.pool
        await carrier.append(new_id(TenantId), "a")
        async with aclosing(carrier.transport.deliveries("reader")) as leader, nothing_left_behind() as tasks:
            await next_titles(leader, 1)
            for _ in range(2 * pool.get_max_size()):
                tasks.create_task(next_titles(carrier.transport.deliveries("reader"), 1))
            await carrier.append(new_id(TenantId), "b")
            assert ["b"] == await next_titles(leader, 1)

            async def mostly_idle() -> bool:
                return pool.get_size() - pool.get_idle_size() <= 2

            await until(mostly_idle, what="those who stand by to let go of their connections")


class TestPlace:
    async def test_outlives_a_change_of_transport(self, postgres: EmbeddedPostgres, nats_server: NatsServer) -> None:
        await without_stream(nats_server)
        async with (
            bus_of_its_own(postgres) as bus,
            nats_transport(nats_server.url, bus.database) as over_nats,
            pumping(over_nats),
        ):
            seen = []
            turns: list[tuple[EventTransport, str]] = [(PostgresTransport(bus.database), "a"), (over_nats, "b")] * 2
            for transport, name in turns:
                await bus.append(new_id(TenantId), changed(title=name))
                async with aclosing(transport.deliveries("reader")) as deliveries:
                    seen += await next_titles(deliveries, 1)

        assert ["a", "b", "a", "b"] == seen


class TestPump:
    async def test_that_crashed_in_the_middle_leaves_no_duplicate_and_no_gap(
        self, postgres: EmbeddedPostgres, nats_server: NatsServer
    ) -> None:
        await without_stream(nats_server)
        async with bus_of_its_own(postgres) as bus, nats_transport(nats_server.url, bus.database) as transport:
            await bus.append(new_id(TenantId), *(changed(title=f"{number}") for number in range(10)))
            stored = await PostgresEventReader(bus.database).after(START, limit=10)
            start = await transport.end()
            await transport.publish(stored[:6], behind=start)
            with pytest.raises(APIError, match="wrong last sequence"):
                # A pump that lost its lead unawares, with a batch of its own making.
                await transport.publish(stored[6:], behind=start)

            async with pumping(transport), aclosing(transport.deliveries("reader")) as deliveries:
                titles = await next_titles(deliveries, 10)
            end = await transport.end()

        assert [f"{number}" for number in range(10)] == titles
        assert (10, stored[-1].position) == end

    async def test_refuses_the_same_event_twice(self, postgres: EmbeddedPostgres, nats_server: NatsServer) -> None:
        await without_stream(nats_server)
        async with bus_of_its_own(postgres) as bus, nats_transport(nats_server.url, bus.database) as transport:
            await bus.append(new_id(TenantId), changed())
            stored = await PostgresEventReader(bus.database).after(START, limit=10)
            end = await transport.publish(stored, behind=await transport.end())
            await transport.publish(stored, behind=end)

            assert 1 == (await transport.end()).sequence


class TestServer:
    async def test_is_given_a_password_of_any_characters(self, postgres: EmbeddedPostgres, tmp_path: Path) -> None:
        guarded = NatsServer(tmp_path, options=("--user", "harbor", "--pass", "a/b@c:d%"))
        guarded.start()
        await guarded.accepts()
        url = guarded.url.replace("nats://", "nats://harbor:a%2Fb%40c%3Ad%25@")

        async with bus_of_its_own(postgres) as bus, nats_transport(url, bus.database) as transport:
            end = await transport.end()
        guarded.kill()

        assert (0, START) == end

    async def test_killed_and_started_again_on_its_files_loses_nothing(
        self, postgres: EmbeddedPostgres, nats_server: NatsServer
    ) -> None:
        await without_stream(nats_server)
        async with (
            bus_of_its_own(postgres) as bus,
            nats_transport(nats_server.url, bus.database) as transport,
            pumping(transport),
            nothing_left_behind() as tasks,
        ):
            seen: list[RecordedEvent] = []
            tasks.create_task(_patient_reader(transport, seen))
            for number in range(30):
                await bus.append(new_id(TenantId), changed(title=f"{number}"))
                if number == 10:
                    await _has(seen, 5)
                    nats_server.kill()
                if number == 20:
                    nats_server.start()
            stored = await PostgresEventReader(bus.database).after(START, limit=100)
            await _has(seen, len(stored))

        assert 30 == len(stored)
        assert list(stored) == seen


class TestOnboarding:
    async def test_works_over_nats(
        self, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, nats_server: NatsServer, tmp_path: Path
    ) -> None:
        await without_stream(nats_server)
        over_nats = {"event_transport": EventTransportKind.NATS, "nats_url": nats_server.url}
        async with running_stack(postgres, temporal, tmp_path, work=False, **over_nats) as stack:
            stop = asyncio.Event()
            worker = asyncio.create_task(run_worker(stack.settings, stop))
            tenant = await stack.tenant()
            events = await tenant.get("/v1/bus/events", correlationId=tenant.onboarding_id)

            async def counted() -> bool:
                counts = await tenant.get("/v1/analytics/event-counts")
                return bool(sum(count["count"] for count in counts) == 6)

            await until(counted, what="six counted events")
            stop.set()
            await worker

        assert 6 == len(events["items"])


async def _appender(bus: Bus, seed: int) -> None:
    """Appends for two tenants, and commits after a moment that differs."""
    tenants = [new_id(TenantId), new_id(TenantId)]
    for number in range(15):
        async with bus.database.pool.acquire() as connection, connection.transaction():
            session = Session(connection, None)
            session.append(changed(title=f"{number}"), tenant=tenants[number % 2])
            await session.flush()
            await asyncio.sleep((number * 7 + seed * 3) % 10 / 1000)


async def _patient_reader(transport: EventTransport, seen: list[RecordedEvent]) -> None:
    """Begins again whenever it is interrupted, as the relay does."""
    while True:
        with suppress(NatsError, OSError):
            async with aclosing(transport.deliveries("reader")) as deliveries:
                async for delivery in deliveries:
                    seen += [arrival.event() for arrival in delivery.arrivals]
                    await delivery.ack()


async def _has(seen: Sequence[RecordedEvent], count: int) -> None:
    async def enough() -> bool:
        return len(seen) >= count

    await until(enough, what=f"{count} events")
