"""The lake takes each event once, also one that was parked while later ones went in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from conftest import Stack, Tenant, until

from adapters.analytics.lake import LakeLoader
from analytics.lake import attach, open_session
from domain.bus.event import RecordedEvent
from domain.kernel.ids import TenantId


@pytest.fixture
def loader(stack: Stack) -> Iterator[LakeLoader]:
    """A loader of its own."""
    with closing(LakeLoader(stack.settings.postgres_dsn.get_secret_value())) as opened:
        yield opened


async def _loaded(stack: Stack, tenant: Tenant, expected: int) -> list[str]:
    """Ids in the lake, once there are as many as expected."""

    async def there() -> list[str] | None:
        with open_session() as session:
            attach(session, stack.settings.postgres_dsn.get_secret_value(), f"lake_{tenant.id}")
            ids = [row[0] for row in session.execute("SELECT id FROM lake.events ORDER BY seq").fetchall()]
        return ids if len(ids) >= expected else None

    ids: list[str] = await until(there, what=f"{expected} events in the lake")
    return ids


async def _events(stack: Stack, tenant: Tenant) -> list[RecordedEvent]:
    return list(reversed((await stack.container.events.page(TenantId(tenant.id), limit=50)).items))


class TestLoad:
    async def test_takes_each_event_once_however_often_it_is_brought(
        self, stack: Stack, tenant: Tenant, loader: LakeLoader
    ) -> None:
        await _loaded(stack, tenant, 6)
        events = await _events(stack, tenant)

        for _ in range(2):
            loader.load(TenantId(tenant.id), events)

        assert [event.id for event in events] == await _loaded(stack, tenant, 6)

    async def test_takes_an_event_that_comes_after_its_followers(
        self, stack: Stack, tenant: Tenant, loader: LakeLoader
    ) -> None:
        await _loaded(stack, tenant, 6)
        [first, *_] = events = await _events(stack, tenant)
        with open_session() as session:
            attach(session, stack.settings.postgres_dsn.get_secret_value(), f"lake_{tenant.id}", read_only=False)
            session.execute("DELETE FROM lake.events WHERE id = ?", [first.id])

        loader.load(TenantId(tenant.id), [first])

        assert {event.id for event in events} == set(await _loaded(stack, tenant, 6))
