"""The event store: facts only ever get in, once, and are read in pages that hold still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from fakes.bus import NOON, Bus, bus_of_its_own, changed, title

from adapters.bus.store import PostgresEventReader
from adapters.kernel.clock import new_id
from adapters.postgres.database import tenant_role
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import Session
from domain.analytics.events import DashboardUpdated
from domain.analytics.ids import DashboardId
from domain.bus.errors import UnknownEventType
from domain.bus.event import EventId
from domain.kernel.ids import TenantId

INSERT = """
INSERT INTO platform.events (id, type, version, timestamp, source, tenant_id, subject, data, metadata)
VALUES ($1, 'analytics.dashboard.updated', '1.0.0', now(), 'analytics', $2, 'dsh', '{}', '{}')
"""


@pytest.fixture(scope="module")
async def bus(postgres: EmbeddedPostgres) -> AsyncIterator[Bus]:
    """A database of this file's own."""
    async with bus_of_its_own(postgres) as opened:
        yield opened


@asynccontextmanager
async def acting_as(bus: Bus, tenant: TenantId) -> AsyncIterator[asyncpg.Connection]:
    """A connection with a tenant's own rights, as a stolen or careless query would have it."""
    connection = await asyncpg.connect(bus.dsn)
    try:
        await connection.execute(f'SET ROLE "{tenant_role(tenant)}"')
        yield connection
    finally:
        await connection.close()


class Unlisted(DashboardUpdated):
    """Another class at an address of the catalogue."""


class TestAppend:
    async def test_refuses_an_event_that_the_catalogue_does_not_list_and_keeps_nothing(self, bus: Bus) -> None:
        tenant = new_id(TenantId)

        with pytest.raises(UnknownEventType):
            await bus.append(tenant, changed(), Unlisted(**dict(changed())))

        assert 0 == await bus.database.pool.fetchval("SELECT count(*) FROM events WHERE tenant_id = $1", tenant)

    async def test_records_an_id_once_however_often_it_is_sent(self, bus: Bus) -> None:
        tenant, event_id = new_id(TenantId), new_id(EventId)
        await bus.database.pool.execute(INSERT, event_id, tenant)

        with pytest.raises(asyncpg.UniqueViolationError):
            await bus.database.pool.execute(INSERT, event_id, tenant)

        assert 1 == await bus.database.pool.fetchval("SELECT count(*) FROM events WHERE id = $1", event_id)

    async def test_takes_its_events_back_when_the_change_is_taken_back(self, bus: Bus) -> None:
        tenant = new_id(TenantId)

        async def work(session: Session) -> None:
            session.append(changed(), tenant=tenant)
            await session.flush()
            raise LookupError

        with pytest.raises(LookupError):
            await bus.database.run(None, work)

        assert 0 == await bus.database.pool.fetchval("SELECT count(*) FROM events WHERE tenant_id = $1", tenant)


class TestChange:
    @pytest.mark.parametrize(
        "statement",
        ["UPDATE platform.events SET type = 'x'", "DELETE FROM platform.events", "TRUNCATE platform.events CASCADE"],
        ids=["update", "delete", "truncate"],
    )
    async def test_is_refused_even_to_the_owner(self, bus: Bus, statement: str) -> None:
        await bus.append(new_id(TenantId), changed())

        with pytest.raises(asyncpg.RestrictViolationError, match="events is append-only"):
            await bus.owner.pool.execute(statement)

    @pytest.mark.parametrize(
        "statement", ["UPDATE platform.events SET type = 'x'", "DELETE FROM platform.events"], ids=["update", "delete"]
    )
    async def test_is_no_right_of_the_application(self, bus: Bus, statement: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bus.database.pool.execute(statement)


class TestTenantRole:
    async def test_sees_its_own_events_only(self, bus: Bus) -> None:
        mine, theirs = await bus.tenant(), await bus.tenant()
        await bus.append(mine, changed())
        await bus.append(theirs, changed())
        await bus.append(None, changed())

        async with acting_as(bus, mine) as connection:
            seen = await connection.fetch("SELECT tenant_id FROM platform.events")

        assert [mine] == [row["tenant_id"] for row in seen]

    async def test_announces_nothing_in_anothers_name(self, bus: Bus) -> None:
        mine, theirs = await bus.tenant(), await bus.tenant()

        async with acting_as(bus, mine) as connection:
            for foreign in (theirs, None):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await connection.execute(INSERT, new_id(EventId), foreign)
            await connection.execute(INSERT, new_id(EventId), mine)

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE platform.events SET type = 'x'", "DELETE FROM platform.events", "TABLE platform.bus_parked"],
        ids=["update", "delete", "parked events"],
    )
    async def test_changes_nothing_that_happened(self, bus: Bus, statement: str) -> None:
        mine = await bus.tenant()

        async with acting_as(bus, mine) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


class TestPage:
    async def test_shows_each_event_once_while_others_are_appended(self, bus: Bus) -> None:
        tenant = await bus.tenant()
        reader = PostgresEventReader(bus.database)
        for number in range(7):
            await bus.append(tenant, changed(title=f"{number}"))

        titles: list[str] = []
        page = await reader.page(tenant, limit=2)
        while True:
            titles += [title(event) for event in page.items]
            if page.next_cursor is None:
                break
            await bus.append(tenant, changed(title="late"))
            page = await reader.page(tenant, cursor=page.next_cursor, limit=2)

        assert ["6", "5", "4", "3", "2", "1", "0"] == titles

    async def test_ends_without_a_cursor_when_the_last_one_is_full(self, bus: Bus) -> None:
        tenant = await bus.tenant()
        await bus.append(tenant, changed(), changed())

        page = await PostgresEventReader(bus.database).page(tenant, limit=2)

        assert (2, None) == (len(page.items), page.next_cursor)

    async def test_keeps_to_its_filters(self, bus: Bus) -> None:
        tenant, dashboard = await bus.tenant(), new_id(DashboardId)
        await bus.append(tenant, changed(), changed(dashboard, title="this one"), changed())

        page = await PostgresEventReader(bus.database).page(
            tenant, types=["analytics.dashboard.updated"], subject=dashboard, since=NOON, limit=10
        )

        assert ["this one"] == [title(event) for event in page.items]
