"""Readers that stay: nobody tells them what they will find anyway, and nothing is left behind when they leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from conftest import until
from fakes.bus import FAR_AHEAD, Bus, Recorder, bus_of_its_own, changed

from adapters.bus.attendance import PROMISE
from adapters.bus.store import PostgresEventReader
from adapters.bus.subscriptions import REST_SECONDS, PostgresSubscriptions
from adapters.bus.transport import PostgresTransport
from adapters.postgres.embedded import EmbeddedPostgres
from domain.bus.event import START, Position
from domain.bus.model import Batch, Progress
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId


@pytest.fixture
async def bus(postgres: EmbeddedPostgres) -> AsyncIterator[Bus]:
    """A database of the test's own."""
    async with bus_of_its_own(postgres) as opened:
        yield opened


class Reader:
    """One tenant's reader, as its consumer workflow and the relay see it."""

    def __init__(self, bus: Bus, tenant: TenantId, *, rest_seconds: float) -> None:
        self.bus, self.tenant = bus, tenant
        self.recorder = Recorder(in_transaction=True)
        self.appended = 0
        self.subscriptions = PostgresSubscriptions(bus.database, [self.recorder], CATALOGUE, rests={True: rest_seconds})

    async def append(self, *titles: str) -> list[Position]:
        """All there are, once these can be read: transactions of the server's other databases hold the fence too."""
        await self.bus.append(self.tenant, *(changed(title=name) for name in titles))
        self.appended += len(titles)

        async def readable() -> list[Position] | None:
            events = await PostgresEventReader(self.bus.database).after(START, limit=10_000)
            return [event.position for event in events] if len(events) == self.appended else None

        positions: list[Position] = await until(readable, what="the events before the fence")
        return positions

    async def deliver(self, up_to: Position, *, attempt: int = 1) -> Progress:
        batch = Batch(subscription=self.recorder.name, tenant_id=self.tenant, up_to=up_to)
        return await self.subscriptions.deliver(batch, attempt=attempt)

    async def is_told_of(self, position: Position) -> bool:
        """Whether the relay would signal."""
        target = (self.recorder.name, self.tenant)
        told = await self.subscriptions.unattended({target: position})
        assert told in ({}, {target: position})
        return bool(told)

    async def stays(self) -> bool:
        return bool(
            await self.bus.database.pool.fetchval(
                "SELECT true FROM bus_cursor WHERE subscription = $1 AND tenant_id = $2 AND attended_until > now()",
                self.recorder.name,
                self.tenant,
            )
        )


@pytest.fixture
async def reader(bus: Bus) -> Reader:
    """A reader of a fresh tenant."""
    return Reader(bus, await bus.tenant(), rest_seconds=REST_SECONDS[True])


@pytest.fixture
async def leisurely(bus: Bus) -> Reader:
    """One that rests for half a second, so that a test can look at it meanwhile."""
    return Reader(bus, await bus.tenant(), rest_seconds=0.5)


class TestUnattended:
    async def test_is_who_never_read_or_stands_before_the_event(self, reader: Reader) -> None:
        [first] = await reader.append("a")
        never_read = await reader.is_told_of(first)
        await reader.deliver(first)
        [_, second] = await reader.append("b")

        assert [True, False, True] == [never_read, await reader.is_told_of(first), await reader.is_told_of(second)]

    async def test_is_not_who_stays_and_will_find_it_without_being_told(self, leisurely: Reader) -> None:
        [first, _] = await leisurely.append("a", "b")
        delivery = asyncio.create_task(leisurely.deliver(first))
        await until(leisurely.stays, what="the reader to stay")

        told_while_it_stays = await leisurely.is_told_of(FAR_AHEAD)
        await leisurely.append("c")
        progress = await delivery

        assert not told_while_it_stays
        assert ["a", "b", "c"] == leisurely.recorder.titles
        assert (3, False) == (progress.handled, progress.more)
        assert await leisurely.is_told_of(FAR_AHEAD), "it has left"

    async def test_is_not_who_crashed_while_it_stayed_until_its_workflow_lets_it_look_again(
        self, leisurely: Reader
    ) -> None:
        [first, _] = await leisurely.append("a", "b")
        delivery = asyncio.create_task(leisurely.deliver(first))
        await until(leisurely.stays, what="the reader to stay")
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)
        positions = await leisurely.append("c")

        told_after_the_crash = await leisurely.is_told_of(positions[-1])
        again = await leisurely.deliver(first, attempt=2)

        assert not told_after_the_crash
        assert ["a", "b", "c"] == leisurely.recorder.titles
        assert again.more, "whoever takes a promise back must look once more"
        assert not await leisurely.stays()

    async def test_is_everyone_again_when_a_promise_is_older_than_it_may_be(self, reader: Reader) -> None:
        [first] = await reader.append("a")
        await reader.deliver(first)
        await reader.bus.database.pool.execute(
            "UPDATE bus_cursor SET attended_until = clock_timestamp() - $1::interval", PROMISE
        )

        assert await reader.is_told_of(FAR_AHEAD)

    async def test_of_nobody_is_nobody(self, reader: Reader) -> None:
        assert await reader.subscriptions.unattended({}) == {}


class TestStaying:
    async def test_ends_only_with_a_delivery_that_another_follows(self, bus: Bus) -> None:
        """Events that come faster than they are read: a delivery has an end, and says that it is not the end."""
        reader = Reader(bus, await bus.tenant(), rest_seconds=0.2)

        async def keep_coming() -> None:
            while True:
                await bus.append(reader.tenant, changed(title="more"))

        [first, _] = await reader.append("a", "b")
        coming = asyncio.create_task(keep_coming())
        progress = await reader.deliver(first)
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)

        assert progress.more
        assert await reader.stays()

    @pytest.mark.parametrize("seed", range(3))
    async def test_leaves_no_event_behind(self, reader: Reader, seed: int) -> None:
        """A relay that signals only who is unattended, and appenders that pause and hurry by turns."""
        pauses, total = (0, 0, 0, 0.002, 0.03), 300
        signalled: asyncio.Queue[Position] = asyncio.Queue()
        signals = 0

        async def relay() -> None:
            nonlocal signals
            async with aclosing(PostgresTransport(reader.bus.database).deliveries("relay")) as deliveries:
                async for delivery in deliveries:
                    last = delivery.arrivals[-1].position
                    if await reader.is_told_of(last):
                        signals += 1
                        signalled.put_nowait(last)
                    await delivery.ack()

        async def workflow() -> None:
            while True:
                up_to = await signalled.get()
                while (await reader.deliver(up_to)).more:
                    pass

        tasks = [asyncio.create_task(relay()), asyncio.create_task(workflow())]
        try:
            for number in range(total):
                await reader.bus.append(reader.tenant, changed(title=f"{number}"))
                await asyncio.sleep(pauses[(number * (number + seed)) % 7 % 5])

            async def all_taken() -> bool:
                return len(reader.recorder.taken) >= total

            await until(all_taken, seconds=10, what="every event")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        assert [f"{number}" for number in range(total)] == reader.recorder.titles
        assert signals < total / 2, "most events need no signal"
