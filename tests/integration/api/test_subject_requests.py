"""Data subjects: a copy from every module, erasure with a receipt from each, certificates, holds and retention."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until
from people import code, new_house, new_member, signed_in

from adapters.bus.personal_data import PERSONAL
from adapters.kernel.clock import utc_now
from adapters.security.retention import PostgresRetention
from analytics.lake import attach, open_session
from domain.kernel.ids import TenantId
from domain.security.checkpoint import CheckpointVerifier
from domain.security.ids import SubjectRequestId
from domain.security.people import Role
from domain.security.subject_commands import FollowSubjectRequest, SubjectStep
from domain.security.subjects import settle

REQUESTS, HOLDS, RULES = "/v1/security/subject-requests", "/v1/security/legal-holds", "/v1/security/retention-rules"
MODULES = {
    *("notifications", "workflow", "bus", "analytics", "billing", "gateway", "collaboration", "cad", "spatial"),
    *("compression", "security"),
}


@pytest.fixture
async def tenant(stack: Stack) -> Tenant:
    """Each test has its own people."""
    return await stack.tenant(organisation="The Forgetful", ownerEmail="ada@forgetful.example", ownerName="Ada")


def address_in(tenant: Tenant) -> str:
    return f"grace@{tenant.id.removeprefix('ten_')}.example"


async def joined(stack: Stack, tenant: Tenant) -> str:
    address = address_in(tenant)
    await new_member(stack, tenant, address, Role.MEMBER)
    await signed_in(stack.http, address)
    return address


@pytest.fixture
async def grace(stack: Stack, tenant: Tenant) -> str:
    """A member's address; they are signed in."""
    return await joined(stack, tenant)


@pytest.fixture
async def invited(stack: Stack, tenant: Tenant) -> str:
    """The same, and they have had mail."""
    address = address_in(tenant)
    await tenant.http.post("/v1/security/invitations", json={"email": address}, headers=tenant.headers)

    async def mailed() -> bool:
        items = (await tenant.get("/v1/notifications/deliveries"))["items"]
        return any((each["recipient"], each["status"]) == (address, "sent") for each in items)

    await until(mailed, what="the invitation")
    return await joined(stack, tenant)


async def asked(tenant: Tenant, kind: str, email: str, **more: Any) -> httpx.Response:
    body = {"kind": kind, "email": email, "reason": "by letter", "graceDays": 0, **more}
    return await tenant.http.post(REQUESTS, json=body, headers=tenant.headers)


async def ended(tenant: Tenant, answer: httpx.Response, status: str = "completed") -> dict[str, Any]:
    """The request, once it stands so."""
    assert answer.status_code == 201, answer.text
    path = f"{REQUESTS}/{answer.json()['data']['id']}"

    async def so() -> dict[str, Any] | None:
        told: dict[str, Any] = await tenant.get(path)
        return told if told["status"] == status else None

    request: dict[str, Any] = await until(so, what=f"the request to be {status}")
    return request


async def document(tenant: Tenant, request: dict[str, Any]) -> httpx.Response:
    return await tenant.http.get(f"{REQUESTS}/{request['id']}/document", headers=tenant.headers)


async def lake_holds(stack: Stack, tenant: Tenant, address: str) -> bool:
    """Whether the tenant's lake names the address."""
    return bool(await stack.container.lake.naming(TenantId(tenant.id), address, PERSONAL))


async def in_the_lake(stack: Stack, tenant: Tenant, address: str) -> None:
    await until(lambda: lake_holds(stack, tenant, address), what="the lake to have the onboarding")


async def events_twice(stack: Stack, tenant: Tenant) -> list[str]:
    """Events that are in the lake twice. Its newest snapshot says up to where it was loaded."""
    with open_session() as session:
        attach(session, stack.settings.postgres_dsn.get_secret_value(), f"lake_{tenant.id}")
        sql = "SELECT id FROM lake.events GROUP BY id HAVING count(*) > 1"
        twice = [row[0] for row in session.execute(sql).fetchall()]
        place = session.execute(
            "SELECT commit_extra_info FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC LIMIT 1"
        ).fetchone()
    assert place is not None
    assert place[0]
    return twice


class TestExport:
    async def test_has_what_every_module_keeps_and_no_secrets(self, stack: Stack, tenant: Tenant, invited: str) -> None:
        request = await ended(tenant, await asked(tenant, "export", invited.upper()))
        told = (await document(tenant, request)).json()

        kinds = {module: {each["kind"] for each in found} for module, found in told["modules"].items()}
        assert set(kinds) == MODULES == {each["module"] for each in request["receipts"]}
        assert {"account", "membership", "session", "password", "invitation"} <= kinds["security"]
        assert {"delivery"} == kinds["notifications"]
        assert "argon2" not in str(told)
        assert invited not in str(request)
        found = {each["module"]: each["found"] for each in request["receipts"]}
        assert {module: len(each) for module, each in told["modules"].items()} == found
        actions = [each["action"] for each in (await tenant.get("/v1/security/audit-records"))["items"]]
        assert {"security.make_subject_request", "security.fetch_subject_export"} <= set(actions)

    async def test_finds_who_asked_for_the_onboarding(self, stack: Stack, tenant: Tenant) -> None:
        await in_the_lake(stack, tenant, "ada@forgetful.example")

        request = await ended(tenant, await asked(tenant, "export", "ada@forgetful.example"))
        told = (await document(tenant, request)).json()["modules"]

        assert [("onboarding", "Ada")] == [(each["kind"], each["owner_name"]) for each in told["workflow"]]
        assert "workflow.onboarding.requested" in {each["type"] for each in told["bus"]}
        assert "event_in_lake" in {each["kind"] for each in told["analytics"]}

    async def test_is_deleted_after_a_week(self, stack: Stack, tenant: Tenant, grace: str) -> None:
        request = await ended(tenant, await asked(tenant, "export", grace))
        cmd = FollowSubjectRequest(tenant_id=TenantId(tenant.id), subject_request_id=SubjectRequestId(request["id"]))
        week = utc_now() + timedelta(days=7, seconds=1)

        await stack.container.security(None, lambda uow: settle(uow, cmd, tuple(MODULES), now=week))

        assert "security.document_not_there" == code(await document(tenant, request))
        async with stack.container.database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT address, (SELECT count(sealed) FROM platform.security_subject_receipt WHERE request_id = r.id) "
                "FROM platform.security_subject_request r WHERE id = $1",
                request["id"],
            )
        assert (None, 0) == tuple(row or ())

    async def test_says_nothing_of_other_tenants_people(self, stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
        theirs = await new_house(stack, neighbour)

        request = await ended(tenant, await asked(tenant, "export", theirs.owner))

        assert 0 == sum(each["found"] for each in request["receipts"])
        assert theirs.owner_id not in (await document(tenant, request)).text
        assert 404 == (await document(neighbour, request)).status_code


class TestErasure:
    async def test_leaves_nothing_and_signs_for_it(self, stack: Stack, tenant: Tenant, invited: str) -> None:
        request = await ended(tenant, await asked(tenant, "erasure", invited))
        again = await ended(tenant, await asked(tenant, "export", invited))
        note = await tenant.http.get(f"{REQUESTS}/{request['id']}/certificate", headers=tenant.headers)
        key = await tenant.get("/v1/security/audit-checkpoints/verifier-key")

        receipts = {each["module"]: each for each in request["receipts"]}
        assert set(receipts) == MODULES
        assert receipts["notifications"]["erased"] >= 1 <= receipts["security"]["erased"]
        assert ["audit records"] == [each["what"] for each in receipts["security"]["kept"]]
        assert 0 == sum(each["found"] for each in again["receipts"])
        text = CheckpointVerifier.parse(key["verifierKey"]).text_of(note.text)
        assert f"harborgrid/erasure/{request['id']}\n" == text[: text.index("\n") + 1]
        assert f"subject hmac-sha256:{request['digest']}" in text
        assert all(f"\n{module}: found" in text for module in MODULES)
        assert invited not in text
        async with stack.container.database.connection() as connection:
            assert 0 == await connection.fetchval(
                "SELECT count(*) FROM platform.security_user WHERE email = $1", invited
            )

    async def test_of_who_asked_for_the_onboarding_reaches_events_and_lake(self, stack: Stack, tenant: Tenant) -> None:
        address = "ada@forgetful.example"
        await in_the_lake(stack, tenant, address)
        await new_house(stack, tenant)

        request = await ended(tenant, await asked(tenant, "erasure", address))

        erased = {each["module"]: each["erased"] for each in request["receipts"]}
        assert {"workflow": 1, "bus": 1, "analytics": 1} == {
            module: erased[module] for module in ("workflow", "bus", "analytics")
        }
        assert not await lake_holds(stack, tenant, address)
        assert await events_twice(stack, tenant) == []
        [event] = (await tenant.get("/v1/bus/events", type="workflow.onboarding.requested"))["items"]
        assert ("[erased]", "[erased]") == (event["data"]["ownerName"], event["data"]["ownerEmail"])
        onboarding = await tenant.get(f"/v1/workflow/onboardings/{tenant.onboarding_id}")
        assert address not in str(onboarding)
        verified = await stack.http.post("/v1/security/audit-checkpoints", headers=stack.operator)
        assert 202 == verified.status_code

    async def test_reaches_who_has_joined_since_it_was_asked_for(self, stack: Stack, tenant: Tenant) -> None:
        address = f"late@{tenant.id.removeprefix('ten_')}.example"
        request = await ended(tenant, await asked(tenant, "erasure", address, graceDays=3), "waiting")
        user_id = await new_member(stack, tenant, address, Role.ADMIN)
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_subject_request SET run_at = now() WHERE id = $1", request["id"]
            )
        cmd = FollowSubjectRequest(tenant_id=TenantId(tenant.id), subject_request_id=SubjectRequestId(request["id"]))
        steps = stack.container.subject_steps

        for module in steps.modules:
            await steps.step(SubjectStep(**dict(cmd), module=module))
        state = await steps.complete(cmd)

        assert "completed" == state.status
        async with stack.container.database.connection() as connection:
            assert not await connection.fetchval("SELECT true FROM platform.security_user WHERE id = $1", user_id)
        left = (await tenant.get("/v1/bus/events", type="security.member.left", limit=200))["items"]
        assert [user_id] == [each["data"]["userId"] for each in left]

    async def test_keeps_the_account_of_who_is_elsewhere_too(
        self, stack: Stack, tenant: Tenant, neighbour: Tenant, grace: str
    ) -> None:
        await new_member(stack, neighbour, grace, Role.MEMBER)

        request = await ended(tenant, await asked(tenant, "erasure", grace))

        [security] = [each for each in request["receipts"] if each["module"] == "security"]
        assert "account" in {each["what"] for each in security["kept"]}
        person = await signed_in(stack.http, grace)
        assert person.headers

    async def test_can_be_cancelled_while_it_waits(self, stack: Stack, tenant: Tenant, grace: str) -> None:
        answer = await asked(tenant, "erasure", grace, graceDays=3)
        path = f"{REQUESTS}/{answer.json()['data']['id']}"

        async def waits() -> bool:
            return bool((await tenant.get(f"{path}/progress"))["next"] == "it begins")

        await until(waits, what="the process to wait")
        twice = await asked(tenant, "erasure", grace)
        early = await tenant.http.get(f"{path}/certificate", headers=tenant.headers)
        cancelled = await tenant.http.post(f"{path}/cancel", headers=tenant.headers)
        handle = stack.container.temporal.get_workflow_handle(
            f"{tenant.id}/security/subject_request/{answer.json()['data']['id']}"
        )

        assert "cancelled" == (await handle.result())["status"]
        assert ["security.subject_request_under_way", "security.document_not_there"] == [code(twice), code(early)]
        assert "cancelled" == cancelled.json()["data"]["status"]
        assert "security.subject_request_not_open" == code(
            await tenant.http.post(f"{path}/cancel", headers=tenant.headers)
        )
        assert (await signed_in(stack.http, grace)).headers

    async def test_of_the_last_owner_waits_for_another(self, stack: Stack, tenant: Tenant) -> None:
        blocked = await ended(tenant, await asked(tenant, "erasure", "ada@forgetful.example"), "blocked")

        assert "last owner" in blocked["blockedBy"]
        assert [] == blocked["receipts"]

    async def test_is_done_once_though_its_steps_run_twice(self, stack: Stack, tenant: Tenant, invited: str) -> None:
        request = await ended(tenant, await asked(tenant, "erasure", invited, graceDays=3), "waiting")
        steps, tenant_id = stack.container.subject_steps, TenantId(tenant.id)
        cmd = FollowSubjectRequest(tenant_id=tenant_id, subject_request_id=SubjectRequestId(request["id"]))
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_subject_request SET run_at = now() WHERE id = $1", request["id"]
            )

        early = await steps.complete(cmd)
        for _ in range(2):
            for module in steps.modules[:-1]:
                await steps.step(SubjectStep(**dict(cmd), module=module))
        halfway = await steps.complete(cmd)
        first = await tenant.get(f"{REQUESTS}/{request['id']}")
        hold = await place(tenant, email=invited)
        held = [await steps.step(SubjectStep(**dict(cmd), module=steps.modules[-1])), await steps.complete(cmd)]
        async with stack.container.database.connection() as connection:
            await connection.execute("UPDATE platform.security_legal_hold SET lifted_at = now() WHERE id = $1", hold)
        await steps.step(SubjectStep(**dict(cmd), module=steps.modules[-1]))
        done = [await steps.complete(cmd) for _ in range(2)]

        assert ["running", "running", "completed", "completed"] == [each.status for each in (early, halfway, *done)]
        assert ["blocked", "blocked"] == [each.status for each in held]
        assert (None, len(MODULES) - 1) == (first["certificate"], len(first["receipts"]))
        [mails] = [each for each in first["receipts"] if each["module"] == "notifications"]
        assert mails["erased"] >= 1


async def place(tenant: Tenant, **more: Any) -> str:
    body = {"matter": "Fjord v. Harbour", **more}
    answer = await tenant.http.post(HOLDS, json=body, headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


class TestHold:
    async def test_stops_an_erasure_until_it_is_lifted(self, stack: Stack, tenant: Tenant, grace: str) -> None:
        await place(tenant, email="somebody@else.example")
        hold = await place(tenant, email=grace)
        answer = await asked(tenant, "erasure", grace)

        blocked = await ended(tenant, answer, "blocked")
        await tenant.http.post(f"{HOLDS}/{hold}/lift", headers=tenant.headers)
        completed = await ended(tenant, answer)

        assert f"legal hold {hold}: Fjord v. Harbour" == blocked["blockedBy"]
        assert completed["certificate"]
        items = (await tenant.get(HOLDS))["items"]
        assert [False, True] == [each["liftedAt"] is None for each in items]

    async def test_does_not_stop_an_export(self, tenant: Tenant, grace: str) -> None:
        await place(tenant)

        assert (await ended(tenant, await asked(tenant, "export", grace)))["receipts"]

    async def test_on_a_tenant_keeps_its_keys(self, stack: Stack, tenant: Tenant) -> None:
        hold = await place(tenant)
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_tenant SET status = 'deprovisioned' WHERE id = $1", tenant.id
            )

        later = await stack.http.post(
            HOLDS, params={"tenantId": tenant.id}, json={"matter": "Another"}, headers=stack.operator
        )
        body = {"tenantId": tenant.id, "reason": "they asked for it"}
        refused = await stack.http.post("/v1/security/erasures", json=body, headers=stack.operator)

        assert (409, "security.legal_hold_active", [hold, later.json()["data"]["id"]]) == (
            refused.status_code,
            code(refused),
            refused.json()["error"]["details"]["holds"],
        )


class TestRetention:
    async def test_deletes_what_is_older_but_nothing_under_a_hold(self, stack: Stack, tenant: Tenant) -> None:
        for category in ("deliveries", "risks"):
            put = await tenant.http.put(f"{RULES}/{category}", json={"days": 30}, headers=tenant.headers)
            assert put.status_code == 200, put.text
        risk = await tenant.http.post("/v1/security/risks", json={"title": "Old"}, headers=tenant.headers)
        path = f"/v1/security/risks/{risk.json()['data']['id']}"
        await tenant.http.post(f"{path}/close", json={"outcome": "none"}, headers=tenant.headers)
        sweeper, beats = PostgresRetention(stack.container.database), list[object]()
        later = utc_now() + timedelta(days=31)
        hold = await place(tenant)
        mails = len((await tenant.get("/v1/notifications/deliveries", limit=200))["items"])

        await sweeper.sweep(now=utc_now(), heartbeat=beats.append)
        await sweeper.sweep(now=later, heartbeat=beats.append)
        held = await tenant.http.get(path, headers=tenant.headers)
        await tenant.http.post(f"{HOLDS}/{hold}/lift", headers=tenant.headers)
        applied = await sweeper.sweep(now=later, heartbeat=beats.append)

        assert 200 == held.status_code
        assert applied.deleted >= mails + 1 >= 2
        assert 404 == (await tenant.http.get(path, headers=tenant.headers)).status_code
        assert [] == (await tenant.get("/v1/notifications/deliveries"))["items"]
        rules = {each["category"]: each for each in await tenant.get(RULES)}
        assert (30, None) == (rules["deliveries"]["days"], rules["evidence"]["days"])
        assert rules["risks"]["appliedAt"]
        actions = [each["action"] for each in (await tenant.get("/v1/security/audit-records", limit=200))["items"]]
        assert {"security.apply_retention", "security.change_retention_rule"} <= set(actions)

    async def test_rule_can_be_taken_away(self, tenant: Tenant) -> None:
        for days in (400, None):
            await tenant.http.put(f"{RULES}/threats", json={"days": days}, headers=tenant.headers)

        assert all(each["days"] is None for each in await tenant.get(RULES))
