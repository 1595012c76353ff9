"""A migration reaches every tenant; one that does not fit a tenant's data stops only there, and can go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import Stack, Tenant, running_stack, until

from adapters.postgres import migrations
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.temporal.embedded import EmbeddedTemporal


@pytest.fixture(scope="module")
async def own_stack(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """A platform whose tenants may fall behind without anybody else noticing."""
    async with running_stack(postgres, temporal, tmp_path_factory.mktemp("migrations")) as running:
        yield running


async def _migrated(stack: Stack) -> Any:
    started = await stack.http.post("/v1/security/tenant-migrations", headers=stack.operator)
    assert 202 == started.status_code, started.text
    revision = started.json()["data"]["revision"]

    async def finished() -> Any:
        answer = await stack.http.get(f"/v1/security/tenant-migrations/{revision}", headers=stack.operator)
        progress = answer.json()["data"]
        return progress if progress and progress["finished"] else None

    return await until(finished, what="the migration")


def _drop(schema: str, which: str) -> str:
    """Drop these tables of a schema, and all functions, which are of tables."""
    return f"""
        DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '{schema}' AND {which} LOOP
                EXECUTE format('DROP TABLE "{schema}".%I CASCADE', name);
            END LOOP;
            FOR name IN SELECT proname FROM pg_proc WHERE pronamespace = '"{schema}"'::regnamespace LOOP
                EXECUTE format('DROP FUNCTION "{schema}".%I CASCADE', name);
            END LOOP;
        END $$;
    """


async def _set_back(stack: Stack, tenant: Tenant, *, leaving: str = "") -> None:
    """Put a tenant's schema back to before its first migration; `leaving` a table that will be in the way."""
    schema = tenant.id
    statement = f"""
        {_drop(schema, f"tablename <> '{leaving}'")}
        UPDATE security_tenant SET schema_revision = NULL WHERE id = '{schema}';
    """
    assert stack.container.owner is not None
    await stack.container.owner.run(None, lambda session: session.sql.execute(statement))


async def _own_list(stack: Stack, tenant: Tenant, address: str) -> None:
    """Put a tenant back to when it had a list of its people itself, with one owner."""
    schema, user = tenant.id, tenant.id.replace("ten_", "usr_")
    statement = f"""
        {_drop(schema, "tablename LIKE 'billing%'")}
        DELETE FROM security_membership WHERE tenant_id = '{schema}';
        CREATE TABLE "{schema}".security_user (
            id text PRIMARY KEY, name text, email text, role text, created_at timestamptz
        );
        INSERT INTO "{schema}".security_user VALUES ('{user}', 'Mary Jackson', '{address}', 'owner', now());
        UPDATE "{schema}".alembic_version SET version_num = '0001';
        UPDATE security_tenant SET schema_revision = '0001' WHERE id = '{schema}';
    """
    assert stack.container.owner is not None
    await stack.container.owner.run(None, lambda session: session.sql.execute(statement))


class TestMigrateTenants:
    async def test_isolates_a_tenant_that_it_does_not_fit_and_goes_on_later(self, own_stack: Stack) -> None:
        tenants = [await own_stack.tenant() for _ in range(3)]
        for tenant in tenants:
            await _set_back(own_stack, tenant, leaving="analytics_dashboard" if tenant is tenants[1] else "")

        first = await _migrated(own_stack)
        await _set_back(own_stack, tenants[1])
        second = await _migrated(own_stack)

        assert (2, [tenants[1].id]) == (first["migrated"], [failed["tenantId"] for failed in first["failed"]])
        assert "security.migration_failed" == first["failed"][0]["code"]
        assert (3, []) == (second["migrated"], second["failed"])
        for tenant in tenants:
            view = await tenant.get(f"/v1/security/tenants/{tenant.id}")
            assert migrations.head(migrations.TENANT) == view["schemaRevision"]

    async def test_makes_members_of_who_was_in_a_tenants_own_list(self, own_stack: Stack) -> None:
        first, second = [await own_stack.tenant() for _ in range(2)]
        for tenant, address in ((first, "Mary@elders.example"), (second, "mary@elders.example")):
            await _own_list(own_stack, tenant, address)

        await _migrated(own_stack)

        lists = [(await tenant.get("/v1/security/members"))["items"] for tenant in (first, second)]
        assert [["Mary Jackson"]] * 2 == [[member["name"] for member in members] for members in lists]
        assert lists[0][0]["id"] == lists[1][0]["id"]

    async def test_refuses_a_schema_of_a_newer_release(self) -> None:
        with pytest.raises(migrations.NewerSchema, match="Update HarborGrid"):
            migrations.upgrade_sql(migrations.TENANT, "9999")

    async def test_says_that_a_migration_never_ran(self, own_stack: Stack) -> None:
        answer = await own_stack.http.get("/v1/security/tenant-migrations/never", headers=own_stack.operator)

        assert (404, "security.migration_not_found") == (answer.status_code, answer.json()["error"]["code"])
