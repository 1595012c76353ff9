"""A poisoned event is set aside with its reason; its subject waits for it in order, and everything else flows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from fakes.bus import FAR_AHEAD, Bus, Recorder, bus_of_its_own, changed, title

from adapters.bus.rounds import ROUND
from adapters.bus.store import PostgresEventReader
from adapters.bus.subscriptions import ROUNDS, PostgresSubscriptions
from adapters.kernel.clock import new_id
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import Session
from domain.analytics.ids import DashboardId
from domain.bus.errors import BlockedBySubject, EventRejected, ParkedEventNotFound, SubscriptionNotFound
from domain.bus.event import RecordedEvent
from domain.bus.model import Batch, Parked, ParkedId, Progress
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId


@pytest.fixture(scope="module")
async def bus(postgres: EmbeddedPostgres) -> AsyncIterator[Bus]:
    """A database of this file's own."""
    async with bus_of_its_own(postgres, pool=4) as opened:
        yield opened


@pytest.fixture(params=[True, False], ids=["in our transaction", "beside our database"])
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """A handler of either kind."""
    return Recorder(in_transaction=request.param)


def rejects(*titles: str) -> Callable[[RecordedEvent], None]:
    """Refuses events of these titles."""

    def objects(event: RecordedEvent) -> None:
        if title(event) in titles:
            raise EventRejected(f"{title(event)} is poisoned")

    return objects


def stumbles(*titles: str, times: int) -> Callable[[RecordedEvent], None]:
    """Fails on each of these titles as often, then takes it."""
    left = Counter(dict.fromkeys(titles, times))

    def objects(event: RecordedEvent) -> None:
        if left[title(event)] > 0:
            left[title(event)] -= 1
            raise RuntimeError(f"{title(event)} is not now")

    return objects


class Deliveries:
    """One tenant's deliveries to one handler, as its consumer workflow would ask for them."""

    def __init__(self, bus: Bus, recorder: Recorder, tenant: TenantId) -> None:
        self.subscriptions = PostgresSubscriptions(bus.database, [recorder], CATALOGUE)
        self.recorder, self.tenant = recorder, tenant

    async def attempt(self, number: int, *redeliver: ParkedId) -> Progress:
        batch = Batch(
            subscription=self.recorder.name, tenant_id=self.tenant, up_to=FAR_AHEAD, redeliver=tuple(redeliver)
        )
        return await self.subscriptions.deliver(batch, attempt=number)

    async def until_done(self, *redeliver: ParkedId) -> list[str]:
        """Attempts until one succeeds and nothing is left; the errors in between."""
        errors, number = [], 1
        while True:
            try:
                progress = await self.attempt(number, *redeliver)
            except RuntimeError as error:
                errors.append(str(error))
                number += 1
            else:
                if not progress.more:
                    return errors
                number, redeliver = 1, ()

    async def parked(self) -> list[Parked]:
        return (await self.subscriptions.parked(self.tenant, cursor=None, limit=100)).items

    async def parked_titles(self) -> list[tuple[str, str, int]]:
        return [(title(parked.event), parked.code, parked.attempts) for parked in await self.parked()]


class TestDeliver:
    async def test_parks_what_is_refused_and_what_follows_on_its_subject_while_others_flow(
        self, bus: Bus, recorder: Recorder
    ) -> None:
        tenant, poisoned, healthy = await bus.tenant(), new_id(DashboardId), new_id(DashboardId)
        recorder.objects = rejects("p1")
        deliveries = Deliveries(bus, recorder, tenant)
        for on, name in [(poisoned, "p0"), (healthy, "h0"), (poisoned, "p1"), (healthy, "h1"), (poisoned, "p2")]:
            await bus.append(tenant, changed(on, title=name))

        first = await deliveries.attempt(1)
        await bus.append(tenant, changed(poisoned, title="p3"), changed(healthy, title="h2"))
        second = await deliveries.attempt(1)

        assert ["p0", "h0", "h1", "h2"] == recorder.titles
        assert [
            ("p1", EventRejected.code, 1),
            ("p2", BlockedBySubject.code, 0),
            ("p3", BlockedBySubject.code, 0),
        ] == await deliveries.parked_titles()
        assert "p1 is poisoned" == (await deliveries.parked())[0].reason
        assert [(3, 2), (1, 3)] == [(first.handled, first.parked), (second.handled, second.parked)]

    async def test_tries_again_what_fails_once(self, bus: Bus, recorder: Recorder) -> None:
        tenant, subject = await bus.tenant(), new_id(DashboardId)
        # Failing with all, with half of them and alone is one attempt.
        recorder.objects = stumbles("b", times=3)
        deliveries = Deliveries(bus, recorder, tenant)
        await bus.append(tenant, *(changed(subject, title=name) for name in "abc"))

        errors = await deliveries.until_done()

        assert ["b is not now"] == errors
        assert ["a", "b", "c"] == recorder.titles
        assert [] == await deliveries.parked()

    async def test_counts_the_attempts_of_each_event_by_themselves(self, bus: Bus, recorder: Recorder) -> None:
        tenant = await bus.tenant()
        recorder.objects = stumbles("b", "d", times=100)
        deliveries = Deliveries(bus, recorder, tenant)
        await bus.append(tenant, *(changed(title=name) for name in "abcde"))

        errors = await deliveries.until_done()

        assert ["b is not now"] * 2 + ["d is not now"] * 2 == errors
        assert ["a", "c", "e"] == recorder.titles
        assert [
            ("b", "kernel.internal", recorder.attempts),
            ("d", "kernel.internal", recorder.attempts),
        ] == await deliveries.parked_titles()

    async def test_finds_one_poisoned_event_among_many_by_halving(self, bus: Bus, recorder: Recorder) -> None:
        tenant = await bus.tenant()
        recorder.objects = rejects("617")
        deliveries = Deliveries(bus, recorder, tenant)
        await bus.append(tenant, *(changed(title=f"{number}") for number in range(ROUND)))

        await deliveries.until_done()

        assert [f"{number}" for number in range(ROUND) if number != 617] == recorder.titles
        assert 12 > recorder.tried.count("617")

    async def test_parks_values_that_the_database_cannot_take(self, bus: Bus, recorder: Recorder) -> None:
        class Careless(Recorder):
            async def handle(self, session: Session | None, tenant: TenantId, events: object) -> None:
                async with bus.database.connection() as connection:
                    await connection.execute("SELECT $1::int", "\x00 not a number")

        careless = Careless(in_transaction=recorder.in_transaction)
        tenant = await bus.tenant()
        deliveries = Deliveries(bus, careless, tenant)
        await bus.append(tenant, changed(title="a"))

        for attempt in (1, 2):
            with pytest.raises(asyncpg.DataError, match="invalid input"):
                await deliveries.attempt(attempt)
        await deliveries.attempt(3)

        assert [("a", "kernel.internal", 3)] == await deliveries.parked_titles()

    async def test_keeps_a_reason_that_holds_characters_nobody_can_store(self, bus: Bus, recorder: Recorder) -> None:
        tenant = await bus.tenant()

        def objects(event: RecordedEvent) -> None:
            raise EventRejected("a \x00 and half a \ud83d")

        recorder.objects = objects
        deliveries = Deliveries(bus, recorder, tenant)
        await bus.append(tenant, changed())

        await deliveries.attempt(1)

        assert ["a \N{REPLACEMENT CHARACTER} and half a ?"] == [parked.reason for parked in await deliveries.parked()]

    @pytest.mark.parametrize("count", [ROUND, ROUND + 1], ids=["one full round", "one more than a round"])
    async def test_ends_where_the_events_end(self, bus: Bus, count: int) -> None:
        tenant, recorder = new_id(TenantId), Recorder()
        deliveries = Deliveries(bus, recorder, tenant)
        await bus.append(tenant, *(changed() for _ in range(count)))

        progress = await deliveries.attempt(1)

        assert (count, False) == (progress.handled, progress.more)
        assert count == len({event.id for _, event in recorder.taken}) == len(recorder.taken)

    async def test_leaves_the_rest_to_the_next_delivery_when_there_is_very_much(self, bus: Bus) -> None:
        tenant, recorder = new_id(TenantId), Recorder()
        deliveries = Deliveries(bus, recorder, tenant)
        for _ in range(ROUNDS):
            await bus.append(tenant, *(changed() for _ in range(ROUND)))
        await bus.append(tenant, changed())

        first = await deliveries.attempt(1)
        second = await deliveries.attempt(1)

        assert [(ROUNDS * ROUND, True), (1, False)] == [
            (first.handled, first.more),
            (second.handled, second.more),
        ]

    async def test_refuses_an_unknown_subscription(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = Deliveries(bus, recorder, new_id(TenantId))
        recorder.name = "tests.renamed"

        with pytest.raises(SubscriptionNotFound):
            await deliveries.attempt(1)


class TestRedeliver:
    async def test_empties_the_list_in_order(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = await self._poisoned(bus, recorder)
        first = (await deliveries.parked())[0]
        recorder.objects = rejects()

        progress = await deliveries.attempt(1, first.id)

        assert ["p1", "p2", "p3"] == recorder.titles
        assert (3, 0) == (progress.handled, progress.parked)

    async def test_begins_with_the_oldest_whichever_was_asked_for(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = await self._poisoned(bus, recorder)
        last = (await deliveries.parked())[-1]
        recorder.objects = rejects()

        await deliveries.attempt(1, last.id)

        assert ["p1", "p2", "p3"] == recorder.titles
        assert [] == await deliveries.parked()

    async def test_keeps_all_in_place_while_the_oldest_is_refused(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = await self._poisoned(bus, recorder)
        last = (await deliveries.parked())[-1]

        await deliveries.attempt(1, last.id)

        assert [] == recorder.titles
        assert [
            ("p1", EventRejected.code, 2),
            ("p2", BlockedBySubject.code, 0),
            ("p3", BlockedBySubject.code, 0),
        ] == await deliveries.parked_titles()

    async def test_stops_at_the_next_one_that_is_refused(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = await self._poisoned(bus, recorder)
        first = (await deliveries.parked())[0]
        recorder.objects = rejects("p2")

        await deliveries.attempt(1, first.id)

        assert ["p1"] == recorder.titles
        assert [
            ("p2", EventRejected.code, 1),
            ("p3", BlockedBySubject.code, 0),
        ] == await deliveries.parked_titles()

    async def test_goes_on_where_one_that_crashed_left_off(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = await self._poisoned(bus, recorder)
        first = (await deliveries.parked())[0]

        def objects(event: RecordedEvent) -> None:
            if title(event) == "p2":
                raise ConnectionError("the worker lost its network")

        recorder.objects = objects
        with pytest.raises(Exception, match=r"network|did not answer"):
            await deliveries.attempt(1, first.id)
        recorder.objects = rejects()
        await deliveries.attempt(2, first.id)

        assert ["p1", "p2", "p3"] == recorder.titles
        assert [] == await deliveries.parked()

    async def test_holds_no_reader_back_while_a_handler_works_beside_the_database(self, bus: Bus) -> None:
        events, seen = PostgresEventReader(bus.database), []
        recorder = Recorder()
        deliveries = await self._poisoned(bus, recorder)
        first = (await deliveries.parked())[0]

        class Curious(Recorder):
            async def handle(self, session: Session | None, tenant: TenantId, some: object) -> None:
                seen.append(await events.fence_age_seconds())

        deliveries.subscriptions = PostgresSubscriptions(bus.database, [Curious()], CATALOGUE)
        await deliveries.attempt(1, first.id)

        assert [0.0] * 3 == seen

    async def test_of_what_is_not_parked_any_more_does_nothing(self, bus: Bus, recorder: Recorder) -> None:
        deliveries = Deliveries(bus, recorder, await bus.tenant())

        progress = await deliveries.attempt(1, new_id(ParkedId))

        assert (0, 0) == (progress.handled, progress.parked)
        with pytest.raises(ParkedEventNotFound):
            await deliveries.subscriptions.parked_event(None, new_id(ParkedId))

    @staticmethod
    async def _poisoned(bus: Bus, recorder: Recorder) -> Deliveries:
        """p1 is refused; p2 and p3 wait behind it."""
        tenant, subject = await bus.tenant(), new_id(DashboardId)
        recorder.objects = rejects("p1")
        deliveries = Deliveries(bus, recorder, tenant)
        await bus.append(tenant, *(changed(subject, title=name) for name in ("p1", "p2", "p3")))
        await deliveries.attempt(1)
        return deliveries


class TestPool:
    async def test_is_not_exhausted_by_many_tenants_whose_handlers_work_beside_the_database(self, bus: Bus) -> None:
        tenants = [new_id(TenantId) for _ in range(3 * bus.database.pool.get_max_size())]
        recorder = Recorder()
        subscriptions = PostgresSubscriptions(bus.database, [recorder], CATALOGUE)
        for tenant in tenants:
            await bus.append(tenant, changed())

        async with asyncio.timeout(8), asyncio.TaskGroup() as group:
            for tenant in tenants:
                batch = Batch(subscription=recorder.name, tenant_id=tenant, up_to=FAR_AHEAD)
                group.create_task(subscriptions.deliver(batch, attempt=1))

        assert sorted(tenants) == sorted(tenant for tenant, _ in recorder.taken)
