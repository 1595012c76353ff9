"""A poisoned event, from its append through relay, Temporal and parking to its redelivery over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, Tenant, running_stack, until
from fakes.bus import NOON, Recorder, accepts, changed, title

from adapters.analytics.event_counts import EventCounts
from adapters.bus.reactions import ReactionHandler
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.kernel.clock import new_id
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import APPEND, Session, event_rows
from adapters.temporal.embedded import EmbeddedTemporal
from domain.analytics.ids import DashboardId
from domain.automation.events import OnboardingCancelRequested
from domain.automation.ids import OnboardingId
from domain.bus.errors import BlockedBySubject, EventRejected, UnknownEventType
from domain.bus.event import Event, RecordedEvent
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId
from worker.main import worker_of
from worker.relay import Relay


class Poisonable:
    """A stack, and the handler that its events may poison."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.recorder = Recorder("tests.poisonable", ("analytics.dashboard.updated",), in_transaction=True)
        container = stack.container
        container.subscriptions = PostgresSubscriptions(
            container.database, [EventCounts(), ReactionHandler(container.starter), self.recorder], CATALOGUE
        )
        self.relay = Relay(container.database, container.subscriptions, container.starter)

    async def append(self, tenant: Tenant, *happened: Event) -> None:
        async def work(session: Session) -> None:
            session.append(*happened, tenant=TenantId(tenant.id))

        await self.stack.container.database.run(None, work)


@pytest.fixture
async def poisonable(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
) -> AsyncIterator[Poisonable]:
    """A platform with one subscription more."""
    async with running_stack(postgres, temporal, tmp_path, work=False) as stack:
        poisonable = Poisonable(stack)
        async with worker_of(stack.container), stack.container.transport() as transport:
            relay = asyncio.create_task(poisonable.relay.run(transport))
            yield poisonable
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)


async def parked(tenant: Tenant) -> list[dict[str, Any]]:
    """The tenant's parked events."""
    items: list[dict[str, Any]] = (await tenant.get("/v1/bus/parked"))["items"]
    return items


class TestPoisonedEvent:
    async def test_waits_with_its_subject_while_the_rest_flows_until_it_is_redelivered(
        self, poisonable: Poisonable
    ) -> None:
        tenant, stranger = await poisonable.stack.tenant(), await poisonable.stack.tenant()
        recorder, sick, well = poisonable.recorder, new_id(DashboardId), new_id(DashboardId)

        def objects(event: RecordedEvent) -> None:
            if title(event) == "poison":
                raise EventRejected("nobody can stomach this")

        recorder.objects = objects
        await poisonable.append(tenant, changed(sick, title="poison"), changed(well, title="w1"))
        await poisonable.append(tenant, changed(sick, title="s2"))
        await poisonable.append(tenant, changed(sick, title="s3"), changed(well, title="w2"))

        async def flowed() -> bool:
            return recorder.titles == ["w1", "w2"] and len(await parked(tenant)) == 3

        await until(flowed, what="the healthy subject")
        waiting = await parked(tenant)
        assert [
            ("poison", EventRejected.code, "nobody can stomach this", 1),
            ("s2", BlockedBySubject.code, BlockedBySubject().message, 0),
            ("s3", BlockedBySubject.code, BlockedBySubject().message, 0),
        ] == [(item["event"]["data"]["title"], item["code"], item["reason"], item["attempts"]) for item in waiting]

        redeliver = f"/v1/bus/parked/{waiting[0]['id']}/redeliver"
        assert 401 == (await tenant.http.post(redeliver)).status_code
        assert 404 == (await tenant.http.post(redeliver, headers=stranger.headers)).status_code

        assert 202 == (await tenant.http.post(redeliver, headers=tenant.headers)).status_code

        async def tried_again() -> bool:
            return bool((await parked(tenant))[0]["attempts"] == 2)

        await until(tried_again, what="another attempt at the poison")
        recorder.objects = accepts
        assert 202 == (await tenant.http.post(redeliver, headers=tenant.headers)).status_code

        async def emptied() -> bool:
            return await parked(tenant) == []

        await until(emptied, what="the list to empty")
        assert ["w1", "w2", "poison", "s2", "s3"] == recorder.titles
        assert 404 == (await tenant.http.post(redeliver, headers=tenant.headers)).status_code

    async def test_is_none_when_the_second_attempt_succeeds(self, poisonable: Poisonable) -> None:
        tenant = await poisonable.stack.tenant()
        recorder = poisonable.recorder
        stumbled: list[str] = []

        def objects(event: RecordedEvent) -> None:
            if not stumbled:
                stumbled.append(title(event))
                raise RuntimeError("not now")

        recorder.objects = objects
        await poisonable.append(tenant, changed(title="a"))

        async def taken() -> bool:
            return recorder.titles == ["a"]

        await until(taken, what="the second attempt")
        assert ["a", "a"] == recorder.tried
        assert [] == await parked(tenant)


class TestReaction:
    async def test_that_cannot_be_made_is_parked_and_what_follows_on_its_subject_does_not_overtake_it(
        self, poisonable: Poisonable
    ) -> None:
        stack, onboarding = poisonable.stack, new_id(OnboardingId)
        tenant = new_id(TenantId)
        cancelled = OnboardingCancelRequested(
            onboarding_id=onboarding, tenant_id=tenant, reason="changed our minds", occurred_at=NOON
        )
        first, second = event_rows([cancelled, cancelled], tenant)
        from_the_future = (*first[:2], "9.0.0", *first[3:])
        for row in (from_the_future, second):
            await stack.container.database.pool.execute(APPEND, *zip(row, strict=True))
        stack.container.database.announce()
        await stack.tenant()

        assert [
            (UnknownEventType.code, 1),
            (BlockedBySubject.code, 0),
        ] == [(item["code"], item["attempts"]) for item in await self._parked(stack, tenant)]

        last = (await self._parked(stack, tenant))[-1]
        await stack.http.post(f"/v1/bus/parked/{last['id']}/redeliver", headers=stack.operator)

        async def tried_from_the_oldest_on() -> bool:
            return [2, 0] == [item["attempts"] for item in await self._parked(stack, tenant)]

        await until(tried_from_the_oldest_on, what="another attempt at the oldest")

    @staticmethod
    async def _parked(stack: Stack, tenant: TenantId) -> list[dict[str, Any]]:
        answer = await stack.http.get("/v1/bus/parked", headers=stack.operator)
        assert answer.status_code == 200, answer.text
        return [item for item in answer.json()["data"]["items"] if item["tenantId"] == tenant]
