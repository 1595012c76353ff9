"""Evidence of controls: collected by rounds that resume, attested by people, reported as JSON, page and OSCAL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until
from people import code

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.session import Session
from adapters.security.controls_seen import COLLECTORS, Look
from adapters.security.evidence_rounds import PostgresEvidenceCollector
from domain.kernel.ids import TenantId
from domain.security.control_catalogue import CONTROLS
from domain.security.control_commands import BeginCollection, FollowCollection
from domain.security.control_model import Observed
from domain.security.controls import collected_in
from domain.security.ids import EvidenceCollectionId

CONTROLS_, EVIDENCE, ROUNDS = "/v1/security/controls", "/v1/security/evidence", "/v1/security/evidence-collections"
REPORT = "/v1/security/compliance-report"


@pytest.fixture
async def tenant(stack: Stack) -> Tenant:
    """Each test violates controls of its own."""
    return await stack.tenant(organisation="The Audited")


async def collected(stack: Stack, headers: dict[str, str], *, of: Tenant | None = None) -> dict[str, Any]:
    """A round is over; how it ended. of: whose, if an operator asks for one tenant's."""
    params = {"tenantId": of.id} if of else {}
    started = await stack.http.post(ROUNDS, params=params, headers=headers)
    assert started.status_code == 202, started.text
    path = f"{ROUNDS}/{started.json()['data']['id']}/progress"

    async def over() -> dict[str, Any] | None:
        answer = await stack.http.get(path, headers=headers)
        told: dict[str, Any] = answer.json()["data"] if answer.status_code == 200 else {}
        return told if told.get("completed") else None

    progress: dict[str, Any] = await until(over, what="the round to be complete")
    return progress


async def stands(http: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    """Where each control stands, by its id."""
    told = (await http.get(REPORT, headers=headers)).json()["data"]
    return {each["control"]["id"]: each for each in told["controls"]}


async def connected(stack: Stack, sql: str, *values: object) -> None:
    async with stack.container.database.connection() as connection:
        await connection.execute(sql, *values)


class TestRound:
    async def test_of_a_tenant_looks_at_each_of_its_controls(self, stack: Stack, tenant: Tenant) -> None:
        before = await stands(stack.http, tenant.headers)

        progress = await collected(stack, tenant.headers)

        wanted = len(collected_in(TenantId(tenant.id)))
        assert (1, 1, wanted) == (progress["scopes"], progress["done"], progress["evidence"])
        after = await stands(stack.http, tenant.headers)
        assert "missing" == before["ac-1"]["standing"]
        assert "not_satisfied" == after["ac-1"]["standing"]
        assert "satisfied" == after["cr-2"]["standing"]
        assert "missing" == after["ac-6"]["standing"]
        page = (await tenant.get(EVIDENCE, controlId="ac-1"))["items"]
        assert [("ac-1", tenant.id)] == [(each["controlId"], each["tenantId"]) for each in page]

    async def test_of_everybody_visits_the_platform_and_every_tenant(self, stack: Stack, tenant: Tenant) -> None:
        progress = await collected(stack, stack.operator)

        async with stack.container.database.connection() as connection:
            tenants = await connection.fetchval("SELECT count(*) FROM platform.security_tenant WHERE status = 'active'")
        assert tenants + 1 == progress["done"] == progress["scopes"]
        wanted = len(collected_in(None)) + tenants * len(collected_in(TenantId(tenant.id)))
        assert wanted == progress["evidence"]
        told = await stands(stack.http, stack.operator)
        assert {"ac-4": "satisfied", "cr-1": "satisfied", "cr-3": "not_satisfied", "vm-1": "not_satisfied"} == {
            each: told[each]["standing"] for each in ("ac-4", "cr-1", "cr-3", "vm-1")
        }

    async def test_goes_on_where_it_was_and_sees_each_scope_once(self, stack: Stack, tenant: Tenant) -> None:
        id_ = new_id(EvidenceCollectionId)
        container = stack.container
        one = PostgresEvidenceCollector(container.database, container.installation, at_once=1)
        beats: list[object] = []
        follow = FollowCollection(collection_id=id_)
        for _ in range(2):
            await one.begin(BeginCollection(collection_id=id_, only=None))
        early = await one.complete(follow)
        first = await one.step(follow, heartbeat=beats.append)
        # Another worker, which does not know how far the first one came.
        other = PostgresEvidenceCollector(container.database, container.installation)
        rest = await other.step(follow, heartbeat=beats.append)
        again = await other.step(follow, heartbeat=beats.append)
        ended = [await other.complete(follow) for _ in range(2)]

        assert (False, 1) == (early.completed, first.done)
        assert rest.scopes == rest.done == again.done == len(beats)
        assert [True, True] == [each.completed for each in ended]
        assert rest.evidence == ended[1].evidence


class TestViolation:
    async def test_is_told_once_for_each_framework_until_it_was_mended(self, stack: Stack, tenant: Tenant) -> None:
        for _ in range(2):
            await collected(stack, tenant.headers)

        events = (await tenant.get("/v1/bus/events", type="security.policy.violated", limit=200))["items"]
        told = [each["data"] for each in events if each["data"]["controlId"] == "ac-1"]
        assert {("soc2", "CC6.1"), ("hipaa", "164.312(d)"), ("gdpr", "32(1)(b)"), ("pci_dss", "8.4.2")} == {
            (each["framework"], each["control"]) for each in told
        }
        assert 4 == len(told)

    async def test_of_keys_and_card_numbers_is_seen(self, stack: Stack, tenant: Tenant) -> None:
        await connected(
            stack,
            "UPDATE platform.security_api_key SET created_at = now() - interval '400 days', "
            "last_used_at = now() - interval '100 days' WHERE tenant_id = $1 AND status = 'active'",
            tenant.id,
        )
        await connected(
            stack,
            "INSERT INTO platform.events (id, type, version, timestamp, source, tenant_id, subject, data, metadata) "
            "SELECT $2, type, version, timestamp, source, tenant_id, subject, "
            "jsonb_build_object('note', 'card 4111111111111111'), metadata "
            "FROM platform.events WHERE tenant_id = $1 LIMIT 1",
            tenant.id,
            "evt_0000000000000000000000card",
        )

        # By the operator: a tenant's own key would have been used lately.
        await collected(stack, stack.operator, of=tenant)

        async with stack.container.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT control_id, state, facts FROM platform.security_evidence WHERE tenant_id = $1", tenant.id
            )
        seen = {row["control_id"]: (row["state"], row["facts"].get("ids")) for row in rows}
        assert ("not_satisfied", ["evt_0000000000000000000000card"]) == seen["dp-1"]
        assert ["not_satisfied"] * 2 == [seen[each][0] for each in ("ac-2", "ac-3")]

    async def test_of_isolation_names_the_role(self, stack: Stack, tenant: Tenant) -> None:
        async def look(session: Session) -> Observed:
            return await COLLECTORS["isolation"](Look(session, None, utc_now(), stack.container.installation))

        async with stack.container._owner().connection() as connection:
            await connection.execute(f'ALTER ROLE "hg_{tenant.id}" LOGIN')
            try:
                told = await stack.container.database.run(None, look)
            finally:
                await connection.execute(f'ALTER ROLE "hg_{tenant.id}" NOLOGIN')

        mended = await stack.container.database.run(None, look)
        assert ("not_satisfied", [f"{tenant.id}: its role can do too much"]) == (told.state, told.facts["ids"])
        assert "satisfied" == mended.state


class TestAttestation:
    async def test_counts_for_a_year_at_most(self, stack: Stack, tenant: Tenant) -> None:
        body = {"statement": "All memberships were looked through.", "reference": "Minutes, page 3"}
        path = f"{CONTROLS_}/ac-6/attest"

        given = await tenant.http.post(path, json=body, headers=tenant.headers)
        answers = [
            await tenant.http.post(path, json={**body, "validUntil": until_}, headers=tenant.headers)
            for until_ in ((utc_now() + timedelta(days=days)).isoformat() for days in (-1, 366))
        ]

        assert 201 == given.status_code
        told = given.json()["data"]
        fresh = datetime.fromisoformat(told["freshUntil"]) - datetime.fromisoformat(told["collectedAt"])
        assert timedelta(days=365) == fresh
        assert ["security.attestation_invalid"] * 2 == [code(each) for each in answers]
        assert "satisfied" == (await stands(stack.http, tenant.headers))["ac-6"]["standing"]
        actions = [each["action"] for each in (await tenant.get("/v1/security/audit-records"))["items"]]
        assert "security.attest_control" in actions

    async def test_replaces_no_collector_and_no_other_controls(self, tenant: Tenant) -> None:
        body = {"statement": "Trust me.", "reference": "None"}

        answers = [
            await tenant.http.post(f"{CONTROLS_}/{control}/attest", json=body, headers=tenant.headers)
            for control in ("ac-1", "bc-1", "zz-9")
        ]

        assert ["security.control_is_collected", "security.control_not_found", "security.control_not_found"] == [
            code(answer) for answer in answers
        ]


class TestReport:
    async def test_is_json_page_and_oscal(self, stack: Stack, tenant: Tenant) -> None:
        await collected(stack, tenant.headers)

        told = await tenant.get(REPORT)
        page = await tenant.http.get(f"{REPORT}/page", headers=tenant.headers)
        oscal = (await tenant.http.get(f"{REPORT}/oscal", headers=tenant.headers)).json()
        catalog = (await tenant.http.get(f"{CONTROLS_}/oscal", headers=tenant.headers)).json()

        assert tenant.id == told["tenantId"]
        assert "ac-1" in told["gaps"]
        assert "The Audited" in page.text
        assert "owners and administrators have no second factor" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert len(CONTROLS) == len(catalog["catalog"]["controls"])
        [result] = oscal["assessment-results"]["results"]
        assert len(told["controls"]) == len(result["findings"])

    async def test_of_another_tenant_is_nobody_elses(self, stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
        await collected(stack, tenant.headers)

        theirs = await neighbour.get(REPORT)
        assert tenant.id not in str(theirs)
        assert tenant.id not in str(await neighbour.get(EVIDENCE, limit=200))
        asked = await stack.http.get(REPORT, params={"tenantId": tenant.id}, headers=stack.operator)
        assert tenant.id == asked.json()["data"]["tenantId"]
