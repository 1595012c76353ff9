"""The lake takes each event once, also one that was parked while later ones went in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest
from conftest import Stack, Tenant, until

from adapters.analytics.lake import LakeLoader
from adapters.bus.personal_data import PERSONAL
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


async def _kept(stack: Stack, tenant: Tenant, events: list[RecordedEvent]) -> list[str]:
    """Ids in the lake of these events: the platform may tell of the tenant at any time, and more are loaded then."""
    known = {event.id for event in events}
    return [id_ for id_ in await _loaded(stack, tenant, len(events)) if id_ in known]


async def _events(stack: Stack, tenant: Tenant) -> list[RecordedEvent]:
    return list(reversed((await stack.container.events.page(TenantId(tenant.id), limit=50)).items))


class TestLoad:
    async def test_takes_each_event_once_however_often_it_is_brought(
        self, stack: Stack, tenant: Tenant, loader: LakeLoader
    ) -> None:
        await _loaded(stack, tenant, 6)
        events = await _events(stack, tenant)

        for _ in range(2):
            await asyncio.to_thread(loader.load, TenantId(tenant.id), events)

        assert [event.id for event in events] == await _kept(stack, tenant, events)

    async def test_takes_an_event_that_comes_after_its_followers(
        self, stack: Stack, tenant: Tenant, loader: LakeLoader
    ) -> None:
        await _loaded(stack, tenant, 6)
        [first, *_] = events = await _events(stack, tenant)
        with open_session() as session:
            attach(session, stack.settings.postgres_dsn.get_secret_value(), f"lake_{tenant.id}", read_only=False)
            session.execute("DELETE FROM lake.events WHERE id = ?", [first.id])

        await asyncio.to_thread(loader.load, TenantId(tenant.id), [first])

        assert {event.id for event in events} == set(await _kept(stack, tenant, events))


class TestErasure:
    async def test_forgets_the_past_also_when_the_attempt_before_died_and_keeps_its_place(
        self, stack: Stack, tenant: Tenant, loader: LakeLoader
    ) -> None:
        id_ = TenantId(tenant.id)
        await _loaded(stack, tenant, 6)
        events = await _events(stack, tenant)
        await asyncio.to_thread(loader.load, id_, events)
        address = events[0].data["ownerEmail"]
        dsn = stack.settings.postgres_dsn.get_secret_value()
        with open_session() as session:
            attach(session, dsn, f"lake_{tenant.id}", read_only=False)
            [place] = session.execute(_PLACE).fetchall()
            # As far as one came who was killed between the commit and what follows it.
            session.execute("BEGIN")
            session.execute("UPDATE lake.events SET data = '{}' WHERE id = ?", [events[0].id])
            session.execute("CALL lake.set_commit_message('harborgrid', 'erasure', extra_info => ?)", [place[0]])
            session.execute("COMMIT")

        blanked = [await asyncio.to_thread(loader.blank, id_, address, PERSONAL) for _ in range(2)]
        await asyncio.to_thread(loader.load, id_, events)

        assert [0, 0] == blanked
        with open_session() as session:
            attach(session, dsn, f"lake_{tenant.id}")
            snapshots = session.execute("SELECT snapshot_id FROM ducklake_snapshots('lake')").fetchall()
            assert [place] == session.execute(_PLACE).fetchall()
            assert not session.execute(
                "SELECT 1 FROM lake.events AT (VERSION => ?) WHERE contains(data, ?)", [snapshots[0][0], address]
            ).fetchall()
        assert [event.id for event in events] == await _kept(stack, tenant, events)


_PLACE = "SELECT commit_extra_info FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC LIMIT 1"
