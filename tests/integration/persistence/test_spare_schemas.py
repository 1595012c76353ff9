"""Schemas are prepared ahead of their tenants, given to one each, and never handed on half used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from conftest import Stack, running_stack
from prometheus_client import REGISTRY

from adapters.analytics.catalogues import CATALOGUES, PostgresLakes
from adapters.analytics.lake import TEMPLATE
from adapters.bootstrap import migrate_platform
from adapters.kernel.clock import new_id
from adapters.postgres.database import PLATFORM, Database
from adapters.postgres.embedded import OWNER, EmbeddedPostgres
from adapters.postgres.session import Session
from adapters.postgres.spares import Kind, SpareSchemas
from adapters.security.spaces import SPACES
from adapters.temporal.embedded import EmbeddedTemporal
from domain.kernel.ids import TenantId

BOTH = pytest.mark.parametrize("kind", [SPACES, CATALOGUES], ids=lambda kind: kind.name)


@pytest.fixture
async def own_stack(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """A platform where nobody else makes schemas."""
    folder = tmp_path_factory.mktemp("spares")
    async with running_stack(postgres, temporal, folder, work=False, spare_schemas=1) as running:
        yield running


@pytest.fixture
def owner(own_stack: Stack) -> Database:
    """Its database, as the one who may make schemas."""
    assert own_stack.container.owner is not None
    return own_stack.container.owner


async def _answer(owner: Database, question: str, *, first: str = PLATFORM) -> Any:
    async def ask(session: Session) -> Any:
        await session.sql.execute(first)
        return await session.sql.fetchval(question)

    return await owner.run(None, ask)


async def _prepared(owner: Database, kind: Kind) -> set[str]:
    """The prepared ones that are really there: listed, with schema and role."""

    async def ids(session: Session) -> set[str]:
        rows = await session.sql.fetch(
            "SELECT id FROM spare_schema JOIN pg_namespace ON nspname = replace($2, '{}', id) "
            "JOIN pg_roles ON rolname = replace($3, '{}', id) WHERE kind = $1",
            kind.name,
            kind.schema,
            kind.role,
        )
        return {row["id"] for row in rows}

    return await owner.run(None, ids)


async def _give(owner: Database, kind: Kind, *, fail: bool = False) -> TenantId:
    tenant = new_id(TenantId)

    async def work(session: Session) -> TenantId:
        await kind.create(session.sql, tenant)
        if fail:
            raise LookupError
        return tenant

    return await owner.run(None, work)


def _created(kind: Kind, origin: str) -> float:
    return REGISTRY.get_sample_value("database_schemas_created_total", {"kind": kind.name, "origin": origin}) or 0


class TestFill:
    async def test_makes_what_is_missing_of_each_kind(self, owner: Database) -> None:
        spares = SpareSchemas(owner, (SPACES, CATALOGUES), wanted=2)

        assert 4 == await spares.fill()
        assert [2, 2] == [len(await _prepared(owner, kind)) for kind in (SPACES, CATALOGUES)]
        assert 0 == await spares.fill()

        await _give(owner, SPACES)
        assert 1 == await spares.fill()

    async def test_makes_none_when_none_are_wanted(self, owner: Database) -> None:
        assert 0 == await SpareSchemas(owner, (SPACES, CATALOGUES), wanted=0).fill()

    async def test_of_two_workers_at_once_makes_no_more_than_one_would(self, owner: Database) -> None:
        await asyncio.gather(*(SpareSchemas(owner, (SPACES,), wanted=3).fill() for _ in range(2)))

        assert 3 == len(await _prepared(owner, SPACES))


class TestCreate:
    @BOTH
    async def test_gives_each_tenant_one_of_its_own(self, owner: Database, kind: Kind) -> None:
        await SpareSchemas(owner, (kind,), wanted=2).fill()
        spare, fresh = _created(kind, "spare"), _created(kind, "fresh")

        tenants = await asyncio.gather(*(_give(owner, kind) for _ in range(3)))

        assert (spare + 2, fresh + 1) == (_created(kind, "spare"), _created(kind, "fresh"))
        assert set() == await _prepared(owner, kind)
        for tenant in tenants:
            tables = f"SELECT count(*) FROM pg_tables WHERE schemaname = '{kind.schema.format(tenant)}'"
            assert 4 <= await _answer(owner, tables)

    @BOTH
    async def test_that_fails_leaves_the_prepared_one_for_the_next(self, owner: Database, kind: Kind) -> None:
        await SpareSchemas(owner, (kind,), wanted=1).fill()
        prepared = await _prepared(owner, kind)

        with pytest.raises(LookupError):
            await _give(owner, kind, fail=True)

        assert 1 == len(prepared)
        assert prepared == await _prepared(owner, kind)

    @pytest.mark.parametrize("wanted", [0, 1], ids=["fresh", "prepared"])
    async def test_lets_the_reader_of_a_lake_read_this_lake_only(self, owner: Database, wanted: int) -> None:
        other = await _give(owner, CATALOGUES)
        await SpareSchemas(owner, (CATALOGUES,), wanted=wanted).fill()

        tenant = await _give(owner, CATALOGUES)

        async def reader(statement: str) -> Any:
            become = f'GRANT "lake_{tenant}" TO CURRENT_USER; SET LOCAL ROLE "lake_{tenant}"'
            return await _answer(owner, statement, first=become)

        assert 0 < await reader(f'SELECT count(*) FROM "lake_{tenant}".ducklake_metadata')
        for refused in (
            f'SELECT count(*) FROM "lake_{other}".ducklake_metadata',
            f'DELETE FROM "lake_{tenant}".ducklake_metadata',
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader(refused)

    @pytest.mark.parametrize("wanted", [0, 1], ids=["fresh", "prepared"])
    async def test_lets_the_tenant_into_its_own_schema_only(
        self, own_stack: Stack, owner: Database, wanted: int
    ) -> None:
        other = await _give(owner, SPACES)
        await SpareSchemas(owner, (SPACES,), wanted=wanted).fill()

        tenant = await _give(owner, SPACES)

        async def count(session: Session, schema: TenantId) -> Any:
            return await session.sql.fetchval(f'SELECT count(*) FROM "{schema}".analytics_dashboard')

        database = own_stack.container.database
        assert 0 == await database.run(tenant, lambda session: count(session, tenant))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.run(tenant, lambda session: count(session, other))

    async def test_tells_a_lake_where_its_files_are(self, owner: Database) -> None:
        await SpareSchemas(owner, (CATALOGUES,), wanted=1).fill()
        tenant = new_id(TenantId)

        await owner.run(None, lambda session: PostgresLakes(session, Path("/lakes")).create(tenant))

        path = f"SELECT value FROM \"lake_{tenant}\".ducklake_metadata WHERE key = 'data_path'"
        assert f"/lakes/{tenant}/" == await _answer(owner, path)


class TestOutdated:
    async def test_ones_are_replaced_and_not_given_to_tenants(self, owner: Database) -> None:
        before = replace(SPACES, revisions=lambda: ("0000",))
        now = replace(SPACES, revisions=lambda: ("0000", "0001"))
        await SpareSchemas(owner, (before,), wanted=1).fill()
        [outdated] = await _prepared(owner, SPACES)

        await _give(owner, now)
        assert {outdated} == await _prepared(owner, SPACES)

        await SpareSchemas(owner, (now,), wanted=1).fill()
        [fresh] = await _prepared(owner, SPACES)
        assert fresh != outdated

    async def test_workers_leave_those_of_the_next_release_alone(self, owner: Database) -> None:
        next_release = replace(SPACES, revisions=lambda: ("0000", "0001", "0002"))
        this_release = replace(SPACES, revisions=lambda: ("0000", "0001"))
        await SpareSchemas(owner, (next_release,), wanted=1).fill()
        theirs = await _prepared(owner, SPACES)

        await SpareSchemas(owner, (this_release,), wanted=1).fill()

        assert theirs < await _prepared(owner, SPACES)

    async def test_lakes_go_when_the_template_is_made_anew(self, owner: Database, postgres: EmbeddedPostgres) -> None:
        await SpareSchemas(owner, (CATALOGUES,), wanted=1).fill()
        [spare] = await _prepared(owner, CATALOGUES)
        await owner.run(None, lambda session: session.sql.execute(f"DROP SCHEMA {TEMPLATE} CASCADE"))

        await migrate_platform(postgres.dsn(OWNER, await _answer(owner, "SELECT current_database()")))

        assert set() == await _prepared(owner, CATALOGUES)
        assert 0 == await _answer(owner, f"SELECT count(*) FROM pg_roles WHERE rolname = 'lake_{spare}'")
