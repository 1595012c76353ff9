"""A tenant's database role reaches its own schema and nothing else, whatever query it is asked to run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from conftest import Stack, Tenant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.analytics.postgres import PostgresDashboards
from adapters.automation.postgres import PostgresOnboardings
from adapters.billing.platform import PostgresPlatformPlans, PostgresPlatformSubscriptions
from adapters.bus.store import PostgresEventReader
from adapters.notifications.postgres import PostgresDeliveries
from adapters.postgres.answers import PostgresAnswers
from adapters.postgres.session import Session
from adapters.security.audit import AuditReader
from adapters.security.postgres import PostgresApiKeys, PostgresTenants
from domain.kernel.errors import HarborGridError
from domain.kernel.idempotency import KeyedRequest
from domain.kernel.ids import TenantId

REPOSITORIES: tuple[Callable[[Session], Any], ...] = (
    PostgresDashboards,
    PostgresOnboardings,
    PostgresPlatformPlans,
    PostgresPlatformSubscriptions,
    PostgresDeliveries,
    PostgresApiKeys,
    PostgresTenants,
    PostgresAnswers,
)
READS = [
    (repository, name)
    for repository in REPOSITORIES
    for name, method in inspect.getmembers(repository, inspect.isfunction)
    if name in {"get", "find", "page", "all", "event_counts", "of_onboarding"}
]


@pytest.fixture(scope="module")
async def intruder(stack: Stack) -> Tenant:
    """A tenant who looks where it should not."""
    return await stack.tenant(organisation="The Intruders")


async def _facts(stack: Stack, tenant: Tenant) -> dict[str, str]:
    """Ids of everything a tenant has, by the name of the parameter that would ask for it."""
    subscription = (await tenant.get("/v1/billing/platform-subscriptions"))["items"][0]
    dashboard = (await tenant.get("/v1/analytics/dashboards"))["items"][0]
    delivery = (await tenant.get("/v1/notifications/deliveries"))["items"][0]
    key = (await tenant.get("/v1/security/api-keys"))["items"][0]
    return {
        "tenant": tenant.id,
        "tenant_id": tenant.id,
        "onboarding_id": tenant.onboarding_id,
        "subscription_id": subscription["id"],
        "dashboard_id": dashboard["id"],
        "notification_id": delivery["id"],
        "purpose": delivery["purpose"],
        "key_id": key["id"],
        "code": "pro",
    }


def _arguments(method: Callable[..., Any], facts: dict[str, str]) -> dict[str, Any]:
    known: dict[str, Any] = {
        "cursor": None,
        "limit": 200,
        "request": KeyedRequest(owner=f"{facts['tenant']}/key", key="k", fingerprint="f"),
        **facts,
    }
    return {name: known[name] for name in inspect.signature(method).parameters if name in known}


class TestRepositories:
    @pytest.mark.parametrize(("repository", "name"), READS, ids=[f"{r.__name__}.{n}" for r, n in READS])
    async def test_find_nothing_of_another_tenant(
        self, stack: Stack, intruder: Tenant, neighbour: Tenant, repository: Callable[[Session], Any], name: str
    ) -> None:
        theirs = await _facts(stack, neighbour)

        async def ask(session: Session) -> Any:
            method = getattr(repository(session), name)
            return await method(**_arguments(method, theirs))

        found = await _what_it_sees(stack.container.database.run(TenantId(intruder.id), ask))

        for value in set(theirs.values()) - {"pro"}:
            assert value not in found

    async def test_of_events_and_audit_show_the_own_tenant_only(
        self, stack: Stack, intruder: Tenant, neighbour: Tenant
    ) -> None:
        events = PostgresEventReader(stack.container.database)

        page = await events.page(TenantId(intruder.id), limit=200)
        story = await events.story(TenantId(intruder.id), neighbour.onboarding_id)
        audit = await AuditReader(stack.container.database).page(TenantId(intruder.id), cursor=None, limit=200)

        assert {intruder.id} == {event.tenant_id for event in page.items}
        assert [] == list(story)
        assert {intruder.id} == {record["tenant_id"] for record in audit.items}


class TestTenantRole:
    async def test_reads_no_table_of_another_schema(self, stack: Stack, intruder: Tenant, neighbour: Tenant) -> None:
        tables = await _tables(stack)
        for schema, table in tables:
            if schema == intruder.id:
                continue
            rows = await _readable(stack, intruder, f'SELECT * FROM "{schema}"."{table}"')
            for value in (neighbour.id, neighbour.onboarding_id):
                assert value not in rows, f"{schema}.{table}"

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE platform.events SET type = 'x'",
            "DELETE FROM platform.events",
            "DELETE FROM platform.security_audit",
            "UPDATE platform.billing_platform_subscription SET price_minor = 0",
            "UPDATE platform.billing_platform_plan SET price_minor = 0",
            "SELECT * FROM platform.security_data_key",
            "SELECT * FROM platform.security_api_key",
            "CREATE TABLE platform.mine (id int)",
            "CREATE ROLE intruder",
            "SET ROLE harborgrid_owner",
            "SELECT platform.clone_lake('a', 'b')",
            "COPY platform.billing_platform_plan TO '/tmp/plans'",
            "SELECT pg_read_file('/etc/passwd')",
        ],
    )
    async def test_may_not(self, stack: Stack, intruder: Tenant, statement: str) -> None:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
            await stack.container.database.run(TenantId(intruder.id), lambda session: session.sql.execute(statement))

    async def test_cannot_write_events_in_anothers_name(
        self, stack: Stack, intruder: Tenant, neighbour: Tenant
    ) -> None:
        forged = (
            "INSERT INTO platform.events (id, type, version, timestamp, source, tenant_id, subject, data, metadata) "
            f"VALUES ('evt_forged', 'x', '1.0.0', now(), 'x', '{neighbour.id}', 's', '{{}}', '{{}}')"
        )

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await stack.container.database.run(TenantId(intruder.id), lambda session: session.sql.execute(forged))

    async def test_is_the_only_way_into_a_schema(self, stack: Stack, intruder: Tenant) -> None:
        """The application's own role is no way in: a query that forgets its tenant fails."""
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stack.container.database.run(
                None, lambda session: session.sql.fetch(f'SELECT * FROM "{intruder.id}".analytics_dashboard')
            )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_a_tenant_id_that_is_not_one_never_reaches_sql(name: str) -> None:
    from adapters.postgres.database import tenant_role  # noqa: PLC0415

    if re.fullmatch(r"ten_[0-7][0-9a-hjkmnp-tv-z]{25}", name):
        return
    with pytest.raises(ValueError, match="expected an id"):
        tenant_role(TenantId(name))


async def _what_it_sees(work: Awaitable[Any]) -> str:
    """Everything a query gave back, as text; a refusal gives nothing."""
    try:
        found = await work
    except (HarborGridError, asyncpg.InsufficientPrivilegeError):
        return ""
    return str(found)


async def _readable(stack: Stack, intruder: Tenant, query: str) -> str:
    async def ask(session: Session) -> str:
        return str([dict(row) for row in await session.sql.fetch(query)])

    return await _what_it_sees(stack.container.database.run(TenantId(intruder.id), ask))


async def _tables(stack: Stack) -> list[tuple[str, str]]:
    async def ask(session: Session) -> list[tuple[str, str]]:
        rows = await session.sql.fetch(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        )
        return [(row["schemaname"], row["tablename"]) for row in rows]

    return await stack.container.database.run(None, ask)
