"""No subscription ever sees another tenant's event, however appends and deliveries interleave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from fakes.bus import Bus, Recorder, bus_of_its_own, changed, title
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.bus.store import PostgresEventReader
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.kernel.clock import new_id
from adapters.postgres.embedded import EmbeddedPostgres
from domain.analytics.ids import DashboardId
from domain.bus.errors import EventRejected
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Batch
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId

TENANTS = 3
# Dashboards are shared on purpose: a subject that two tenants happen to have in common must not join them.
SUBJECTS = tuple(new_id(DashboardId) for _ in range(2))
POISON = "poison"


@dataclass(frozen=True)
class Append:
    """One transaction of a tenant with events about these subjects."""

    tenant: int
    subjects: tuple[int, ...]
    is_poisoned: bool


@dataclass(frozen=True)
class Deliver:
    """A delivery to one subscription, up to the newest event of anybody."""

    tenant: int
    in_transaction: bool


appends = st.builds(
    Append,
    st.integers(0, TENANTS - 1),
    st.lists(st.integers(0, len(SUBJECTS) - 1), min_size=1, max_size=4).map(tuple),
    st.sampled_from([False, False, False, True]),
)
deliveries = st.builds(Deliver, st.integers(0, TENANTS - 1), st.booleans())
interleavings = st.lists(appends | deliveries, max_size=25)


def objects(event: RecordedEvent) -> None:
    """Refuses the poisoned ones, so that parking is part of the game."""
    if title(event) == POISON:
        raise EventRejected


@dataclass
class World:
    """Some tenants, two subscriptions, and what was appended."""

    bus: Bus
    tenants: list[TenantId]
    within: Recorder = field(default_factory=lambda: Recorder("tests.within", in_transaction=True, objects=objects))
    beside: Recorder = field(default_factory=lambda: Recorder("tests.beside", objects=objects))
    appended: dict[TenantId, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.subscriptions = PostgresSubscriptions(self.bus.database, [self.within, self.beside], CATALOGUE)
        self.reader = PostgresEventReader(self.bus.database)

    async def play(self, move: Append | Deliver) -> None:
        tenant = self.tenants[move.tenant]
        if isinstance(move, Append):
            name = POISON if move.is_poisoned else tenant
            await self.bus.append(tenant, *(changed(SUBJECTS[number], title=name) for number in move.subjects))
            self.appended[tenant] += len(move.subjects)
        else:
            await self.deliver(tenant, self.within if move.in_transaction else self.beside)

    async def deliver(self, tenant: TenantId, recorder: Recorder) -> None:
        batch = Batch(subscription=recorder.name, tenant_id=tenant, up_to=await self._newest())
        await self.subscriptions.deliver(batch, attempt=1)

    async def _newest(self) -> Position:
        newest = (await self.reader.page(None, limit=1)).items
        return newest[0].position if newest else START


@pytest.fixture(scope="module")
async def bus(postgres: EmbeddedPostgres) -> AsyncIterator[Bus]:
    """A database of this file's own."""
    async with bus_of_its_own(postgres) as opened:
        yield opened


@pytest.fixture(scope="module")
async def world(bus: Bus) -> World:
    """The same tenants in every example: what one leaves behind, the next must not see either."""
    return World(bus, [await bus.tenant() for _ in range(TENANTS)])


class TestDeliver:
    @given(interleavings)
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    async def test_hands_a_tenants_events_to_nobody_else_and_all_of_them_in_order(
        self, world: World, moves: list[Append | Deliver]
    ) -> None:
        for move in moves:
            await world.play(move)
        for tenant in world.tenants:
            for recorder in (world.within, world.beside):
                await world.deliver(tenant, recorder)

        for recorder in (world.within, world.beside):
            for tenant in world.tenants:
                taken = [event for owner, event in recorder.taken if owner == tenant]
                parked = [
                    parked.event
                    for parked in (await world.subscriptions.parked(tenant, cursor=None, limit=10_000)).items
                    if parked.subscription == recorder.name
                ]
                assert {tenant} >= {event.tenant_id for event in [*taken, *parked]}
                assert {tenant, POISON} >= {title(event) for event in taken}
                assert sorted(event.position for event in taken) == [event.position for event in taken]
                assert world.appended[tenant] == len(taken) + len(parked)

    async def test_gives_a_handler_in_our_transaction_the_tenants_rights_only(self, bus: Bus) -> None:
        mine, theirs = await bus.tenant(), await bus.tenant()
        recorder = Recorder(in_transaction=True)
        subscriptions = PostgresSubscriptions(bus.database, [recorder], CATALOGUE)
        await bus.append(theirs, changed())
        await bus.append(mine, changed())

        await subscriptions.deliver(
            Batch(subscription=recorder.name, tenant_id=mine, up_to=Position(2**60, 1)), attempt=1
        )

        assert {mine} == recorder.visible
