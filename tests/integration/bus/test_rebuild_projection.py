"""A projection replayed from the first event on equals the live one, and what differs is found and mended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import Stack, Tenant, until
from fakes.bus import FAR_AHEAD, Bus, bus_of_its_own, changed

from adapters.analytics.event_counts import EventCounts
from adapters.bus.rebuild import PostgresRebuilder
from adapters.bus.store import PostgresEventReader
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import Session
from domain.bus.errors import NotAProjection
from domain.bus.event import START, RecordedEvent
from domain.bus.model import Batch, Rebuild, RebuildReport
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId

NAME = "analytics.event_counts"
REBUILDS = f"/v1/bus/subscriptions/{NAME}/rebuilds"


async def rebuilt(tenant: Tenant, **body: Any) -> dict[str, Any]:
    """The report of a rebuild asked for over HTTP."""
    started = await tenant.http.post(REBUILDS, json=body, headers=tenant.headers)
    assert started.status_code == 202, started.text

    async def report() -> dict[str, Any] | None:
        view = await tenant.get(started.json()["data"]["href"])
        found: dict[str, Any] | None = view["report"]
        return found

    found: dict[str, Any] = await until(report, what="the rebuild")
    return found


async def counted(tenant: Tenant) -> dict[str, int]:
    """The live projection, once the onboarding's events are in it."""

    async def all_in() -> dict[str, int] | None:
        counts = {count["type"]: count["count"] for count in await tenant.get("/v1/analytics/event-counts")}
        return counts if sum(counts.values()) >= 6 else None

    counts: dict[str, int] = await until(all_in, what="the live projection")
    return counts


async def corrupt(stack: Stack, tenant: Tenant) -> None:
    """Somebody with too many rights "mends" the live projection by hand."""

    async def work(session: Session) -> None:
        await session.sql.execute("UPDATE analytics_event_count SET count = 7 WHERE type = 'notification.sent'")
        await session.sql.execute("INSERT INTO analytics_event_count VALUES ('2026-01-01', 'nobody.said.so', 3)")

    await stack.container.database.run(TenantId(tenant.id), work)


class TestRebuild:
    async def test_equals_the_live_projection(self, stack: Stack, tenant: Tenant) -> None:
        await counted(tenant)

        report = await rebuilt(tenant)

        assert (6, True, False, []) == tuple(report[name] for name in ("events", "equal", "swapped", "differences"))
        assert report["liveRows"] == report["shadowRows"] > 0

    async def test_finds_what_was_corrupted_and_leaves_it_until_told_to_swap(
        self, stack: Stack, tenant: Tenant
    ) -> None:
        true_counts = await counted(tenant)
        await corrupt(stack, tenant)

        looked = await rebuilt(tenant)
        after_looking = await counted(tenant)
        swapped = await rebuilt(tenant, swap=True)
        after_swapping = await counted(tenant)
        again = await rebuilt(tenant, swap=True)

        assert (False, False) == (looked["equal"], looked["swapped"])
        assert ["only live", "only live", "only replayed"] == sorted(
            difference.partition(":")[0] for difference in looked["differences"]
        )
        assert (7, 3) == (after_looking["notification.sent"], after_looking["nobody.said.so"])
        assert (False, True) == (swapped["equal"], swapped["swapped"])
        assert true_counts == after_swapping
        assert (True, False) == (again["equal"], again["swapped"])

    async def test_is_no_offer_for_a_subscription_with_other_effects(self, tenant: Tenant) -> None:
        answer = await tenant.http.post(
            "/v1/bus/subscriptions/analytics.event_lake/rebuilds", json={}, headers=tenant.headers
        )

        assert (409, NotAProjection.code) == (answer.status_code, answer.json()["error"]["code"])


class Gate(EventCounts):
    """A projection whose replay waits in the middle of a chunk's application until it is let through."""

    def __init__(self) -> None:
        self.arrived, self.opened = asyncio.Event(), asyncio.Event()

    async def apply(self, session: Session, table: str, events: Sequence[RecordedEvent]) -> None:
        """Wait at the gate, then count."""
        if table != self.table:
            self.arrived.set()
            await self.opened.wait()
        await super().apply(session, table, events)


@pytest.fixture
async def bus(postgres: EmbeddedPostgres) -> Any:
    """A database of the test's own."""
    async with bus_of_its_own(postgres) as opened:
        yield opened


class TestReplay:
    async def test_holds_no_reader_of_events_back_between_chunks_and_no_delivery_overtakes_it(self, bus: Bus) -> None:
        tenant, gate = await bus.tenant(), Gate()
        subscriptions = PostgresSubscriptions(bus.database, [gate], CATALOGUE)
        batch = Batch(subscription=NAME, tenant_id=tenant, up_to=FAR_AHEAD)
        await bus.append(tenant, *(changed() for _ in range(3)))
        await subscriptions.deliver(batch, attempt=1)
        events = PostgresEventReader(bus.database)

        replay = asyncio.create_task(self._rebuild(bus, gate, tenant))
        await gate.arrived.wait()
        await bus.append(tenant, changed())
        delivery = asyncio.create_task(subscriptions.deliver(batch, attempt=1))
        seen = await events.after(START, limit=10)
        is_waiting = not delivery.done()
        gate.opened.set()
        report = await replay
        progress = await delivery

        assert 4 == len(seen)
        assert is_waiting
        assert (3, True) == (report.events, report.equal)
        assert 1 == progress.handled
        assert 4 == (await self._rebuild(bus, gate, tenant)).events

    @staticmethod
    async def _rebuild(bus: Bus, gate: Gate, tenant: TenantId) -> RebuildReport:
        rebuilder = PostgresRebuilder(bus.database, [gate], CATALOGUE)
        return await rebuilder.rebuild(Rebuild(subscription=NAME, tenant_id=tenant), heartbeat=lambda *_: None)
