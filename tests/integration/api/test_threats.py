"""Threats are found in what was recorded, answered, told and closed; a platform behind a proxy tells networks apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import httpx
import pytest
from attackers import THREATS, found, guess, looked, mails, of, replayed, tell
from conftest import Stack, Tenant, running_stack, until
from people import PASSWORD, SESSIONS, code, new_house, new_member, signed_in, try_to_sign_in

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.security.detection import PostgresThreatDetector
from adapters.temporal.embedded import EmbeddedTemporal
from adapters.temporal.schedules import ensure_schedules
from domain.kernel.ids import UserId
from domain.security.events import Factor, LoginSuccess
from domain.security.ids import ApiKeyId, SessionId
from domain.security.people import Role
from workflows.security import detect_threats

BANS, RULES, RESPONSE = (f"/v1/security/{each}" for each in ("network-bans", "detection-rules", "threat-response"))
_networks = count(1)
RULE = """
title: Somebody made a policy
id: {id}
logsource: {{product: harborgrid, category: audit}}
detection:
  selection: {{action: security.put_policy, outcome: allowed}}
  condition: selection
level: high
harborgrid: {{kind: privilege_escalation, respond: [step_up]}}
"""


@pytest.fixture(scope="module")
async def stack(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """Behind a proxy, by whose word callers come from different networks."""
    changes: dict[str, Any] = {"client_address_header": "X-Forwarded-For", "threat_scan_seconds": 3600.0}
    async with running_stack(postgres, temporal, tmp_path_factory.mktemp("threats"), **changes) as opened:
        yield opened


@pytest.fixture
async def tenant(stack: Stack) -> Tenant:
    """Each test has its own: what one finds is not what another did."""
    return await stack.tenant(organisation="The Watched")


@pytest.fixture
def network() -> str:
    """An address in a network that nobody has come from yet."""
    return f"203.0.{next(_networks)}.7"


class TestBruteForce:
    async def test_is_found_and_its_network_banned_but_for_who_is_known_there(
        self, stack: Stack, tenant: Tenant, network: str
    ) -> None:
        house = await new_house(stack, tenant)
        colleague = f"colleague@{tenant.id.removeprefix('ten_')}.example"
        await new_member(stack, tenant, colleague, Role.MEMBER)
        headers = {"X-Forwarded-For": network}
        body = {"email": colleague, "password": PASSWORD}
        assert (await stack.http.post(SESSIONS, json=body, headers=headers)).status_code == 201
        await guess(stack, network, house.owner, 8)

        await looked(stack)
        threat = await found(tenant, "brute_force", "contained")

        assert (["ban_network"], "medium", of(network)) == (
            threat["done"],
            threat["severity"],
            threat["clientNetwork"],
        )
        assert 8 == len(threat["evidence"]) == threat["records"]
        banned = await stack.http.post(SESSIONS, json={"email": house.owner, "password": PASSWORD}, headers=headers)
        known = await stack.http.post(SESSIONS, json=body, headers=headers)
        elsewhere = await try_to_sign_in(stack.http, house.owner)
        assert (403, "security.network_banned") == (banned.status_code, code(banned))
        assert [201, 201] == [known.status_code, elsewhere.status_code]
        [event] = (await tenant.get("/v1/bus/events", type="security.threat.detected"))["items"]
        assert event["data"]["evidence"] == threat["evidence"]
        assert (await tenant.get("/v1/bus/events", type="security.threat.contained"))["items"]
        await until(lambda: told(stack, house.owner), what="a mail")

    async def test_closed_as_a_mistake_lifts_the_ban(self, stack: Stack, tenant: Tenant, network: str) -> None:
        house = await new_house(stack, tenant)
        await guess(stack, network, house.owner, 8)
        await looked(stack)
        threat = await found(tenant, "brute_force", "contained")
        one = f"{THREATS}/{threat['id']}"
        body = {"verdict": "false_positive", "note": "it was me"}

        closed = await tenant.http.post(f"{one}/close", json=body, headers=tenant.headers)
        again = await tenant.http.post(f"{one}/close", json=body, headers=tenant.headers)
        contained = await tenant.http.post(f"{one}/contain", headers=tenant.headers)

        assert ("closed", "false_positive") == (closed.json()["data"]["status"], closed.json()["data"]["verdict"])
        assert ["security.threat_not_open"] * 2 == [code(again), code(contained)]
        answer = await stack.http.post(
            SESSIONS, json={"email": house.owner, "password": PASSWORD}, headers={"X-Forwarded-For": network}
        )
        assert 201 == answer.status_code
        [ban] = (await tenant.get(BANS))["items"]
        assert ban["liftedAt"]
        handle = stack.container.temporal.get_workflow_handle(f"{tenant.id}/security/threat/{threat['id']}")
        assert "closed" == (await handle.result())["status"]

    async def test_that_goes_on_is_the_same_threat(self, stack: Stack, tenant: Tenant, network: str) -> None:
        house = await new_house(stack, tenant)
        await guess(stack, network, house.owner, 8)
        await looked(stack)
        await found(tenant, "brute_force", "contained")
        async with stack.container.database.connection() as connection:
            await connection.execute("DELETE FROM platform.security_network_ban")
        await guess(stack, network, house.owner, 3)
        await looked(stack)

        threat = await found(tenant, "brute_force")

        assert 11 == threat["records"] == len(threat["evidence"])

    async def test_on_this_machine_bans_nobody(self, stack: Stack, tenant: Tenant) -> None:
        house = await new_house(stack, tenant)
        await guess(stack, "127.0.0.1", house.owner, 8)
        await looked(stack)

        threat = await found(tenant, "brute_force", "contained")

        assert [] == threat["done"]


class TestCredentialStuffing:
    async def test_is_seen_across_accounts_and_banned_everywhere(
        self, stack: Stack, tenant: Tenant, network: str
    ) -> None:
        for number in range(15):
            await guess(stack, network, f"somebody{number}@nowhere.example")
        house = await new_house(stack, tenant)
        await looked(stack)

        async def banned() -> bool:
            answer = await stack.http.post(
                SESSIONS, json={"email": house.owner, "password": PASSWORD}, headers={"X-Forwarded-For": network}
            )
            return answer.status_code == 403 and code(answer) == "security.network_banned"

        await until(banned, what="the ban")
        everyones = (await stack.http.get(THREATS, headers=stack.operator)).json()["data"]["items"]
        [threat] = [each for each in everyones if each["kind"] == "credential_stuffing"]
        assert (None, of(network), 15) == (threat["tenantId"], threat["clientNetwork"], threat["records"])
        assert [] == (await tenant.get(THREATS))["items"]
        assert 404 == (await stack.http.get(f"{THREATS}/{threat['id']}", headers=tenant.headers)).status_code


class TestImpossibleTravel:
    async def test_asks_for_a_fresh_proof(self, stack: Stack, tenant: Tenant) -> None:
        house = await new_house(stack, tenant)
        person = await signed_in(stack.http, house.owner)
        signed = [
            LoginSuccess(
                user_id=UserId(house.owner_id),
                session_id=new_id(SessionId),
                factors=(Factor.PASSWORD,),
                client_network="203.0.113.0/24",
                country=country,
                is_new_device=True,
                occurred_at=utc_now(),
            )
            for country in ("NO", "NZ")
        ]
        await tell(stack, tenant, *signed)

        await looked(stack)
        threat = await found(tenant, "impossible_travel", "contained")

        assert (["step_up"], house.owner_id) == (threat["done"], threat["userId"])
        [mine] = [
            each
            for each in (await tenant.get(SESSIONS, userId=house.owner_id))["items"]
            if each["id"] == person.session_id
        ]
        assert mine["provedAt"].startswith("1970-01-01")
        assert mine["endedAt"] is None


class TestTokenReplay:
    async def test_ends_the_persons_sessions(self, stack: Stack, tenant: Tenant) -> None:
        house = await new_house(stack, tenant)
        person = await signed_in(stack.http, house.owner)
        await tell(stack, tenant, replayed(house))

        await looked(stack)
        await found(tenant, "token_replay", "contained")

        assert 401 == (await stack.http.get("/v1/security/me", headers=person.headers)).status_code

    async def test_waits_for_approval_where_a_tenant_wants_that(self, stack: Stack, tenant: Tenant) -> None:
        house = await new_house(stack, tenant)
        person = await signed_in(stack.http, house.owner)
        wish = await tenant.http.put(RESPONSE, json={"approval": True}, headers=tenant.headers)
        await tell(stack, tenant, replayed(house))
        await looked(stack)
        threat = await found(tenant, "token_replay", "awaiting_approval")
        still = await stack.http.get("/v1/security/me", headers=person.headers)
        progress = await tenant.get(f"{THREATS}/{threat['id']}/progress")

        done = await tenant.http.post(f"{THREATS}/{threat['id']}/contain", headers=tenant.headers)

        assert ({"approval": True}, 200) == (wish.json()["data"], still.status_code)
        assert "awaiting_approval" == progress["status"]
        assert ("contained", ["revoke_sessions"]) == (done.json()["data"]["status"], done.json()["data"]["done"])
        assert 401 == (await stack.http.get("/v1/security/me", headers=person.headers)).status_code

        async def waits_to_lapse() -> bool:
            told = await tenant.get(f"{THREATS}/{threat['id']}/progress")
            return bool(told["status"] == "contained" and "lapses" in told["next"])

        await until(waits_to_lapse, what="its process to have noticed")
        assert any("please decide" in subject for subject in mails(stack, house.owner))
        assert {"approval": True} == await tenant.get(RESPONSE)


class TestApiAbuse:
    async def test_of_a_key_is_stopped_once_somebody_says_so(self, stack: Stack, tenant: Tenant) -> None:
        made = await tenant.http.post(
            "/v1/security/api-keys", json={"label": "program", "scopes": ["read"]}, headers=tenant.headers
        )
        headers = {"X-API-Key": made.json()["data"]["secret"]}
        for number in range(30):
            await stack.http.post(f"/v1/security/api-keys/{ApiKeyId.numbered(number)}/revoke", headers=headers)
        await looked(stack)

        threat = await found(tenant, "api_abuse", "awaiting_approval")
        before = await stack.http.get("/v1/security/api-keys", headers=headers)
        await tenant.http.post(f"{THREATS}/{threat['id']}/contain", headers=tenant.headers)
        after = await stack.http.get("/v1/security/api-keys", headers=headers)

        assert made.json()["data"]["id"] == threat["actorId"]
        assert [200, 401] == [before.status_code, after.status_code]


class TestOwnRule:
    async def test_sees_the_tenants_records_from_then_on(self, stack: Stack, tenant: Tenant) -> None:
        text = RULE.format(id="7f0b3c6e-2a61-4b64-9d2a-00000000aaaa")
        policy = {
            "name": "A policy",
            "text": 'permit (principal, action == HarborGrid::Action::"security.read_self", resource);',
        }
        assert (await add_policy(tenant, policy)).status_code == 201
        tried = await tenant.http.post("/v1/security/detection-trials", json={"text": text}, headers=tenant.headers)
        await looked(stack)

        added = await tenant.http.post(RULES, json={"text": text}, headers=tenant.headers)
        twice = await tenant.http.post(RULES, json={"text": text}, headers=tenant.headers)
        await add_policy(tenant, {**policy, "name": "Another"})
        await looked(stack)
        threat = await found(tenant, "privilege_escalation", "contained")
        [rule] = [each for each in await tenant.get(RULES) if each["own"]]
        gone = await tenant.http.delete(f"{RULES}/{rule['id']}", headers=tenant.headers)
        missing = await tenant.http.delete(f"{RULES}/{rule['id']}", headers=tenant.headers)

        assert ["Somebody made a policy"] == tried.json()["data"]["matches"][0]["titles"]
        assert 201 == added.status_code, added.text
        assert "security.detection_rule_exists" == code(twice)
        assert ("Somebody made a policy", 1) == (threat["title"], threat["records"])
        assert (200, "security.detection_rule_not_found") == (gone.status_code, code(missing))

    async def test_that_is_none_is_refused(self, tenant: Tenant) -> None:
        built_in = RULE.format(id="0f4a1c52-7d0e-4c39-9a3c-6e0f6d0c2005")
        for text in ("", "title: x", RULE.format(id="no uuid"), "a: &b 1\nc: *b"):
            answer = await tenant.http.post(RULES, json={"text": text}, headers=tenant.headers)
            assert (422, "security.detection_rule_invalid") == (answer.status_code, code(answer)), text
            assert answer.json()["error"]["details"]["reason"]
        taken = await tenant.http.post(RULES, json={"text": built_in}, headers=tenant.headers)
        assert "security.detection_rule_exists" == code(taken)


class TestRuleThatFindsTooMuch:
    async def test_makes_one_threat_of_an_actor_and_so_many_in_all(self, stack: Stack, tenant: Tenant) -> None:
        await looked(stack)
        detector = PostgresThreatDetector(stack.container.database, most_open=3)
        greedy = RULE.replace(
            "selection: {{action: security.put_policy, outcome: allowed}}", "selection: {{action|exists: true}}"
        )
        text = greedy.format(id="7f0b3c6e-2a61-4b64-9d2a-00000000bbbb")
        assert (await tenant.http.post(RULES, json={"text": text}, headers=tenant.headers)).status_code == 201
        for number in range(5):
            made = await tenant.http.post(
                "/v1/security/api-keys", json={"label": f"{number}", "scopes": ["admin"]}, headers=tenant.headers
            )
            for _ in range(2):
                await stack.http.post(
                    BANS,
                    json={"network": "192.0.2.0/24", "reason": "a test"},
                    headers={"X-API-Key": made.json()["data"]["secret"]},
                )

        for _ in range(3):
            await detector.detect(heartbeat=lambda _: None)

        items = (await tenant.get(THREATS))["items"]
        assert 3 == len(items) == len({each["actorId"] for each in items})
        assert sum(each["records"] for each in items) > 3


class TestBan:
    async def test_by_hand_holds_until_it_is_lifted(self, stack: Stack, tenant: Tenant, network: str) -> None:
        house = await new_house(stack, tenant)
        body = {"network": of(network), "reason": "seen elsewhere", "minutes": 5}
        attempt = {"email": house.owner, "password": PASSWORD}

        made = await tenant.http.post(BANS, json=body, headers=tenant.headers)
        refused = await stack.http.post(SESSIONS, json=attempt, headers={"X-Forwarded-For": network})
        lifted = await tenant.http.post(f"{BANS}/{made.json()['data']['id']}/lift", headers=tenant.headers)
        allowed = await stack.http.post(SESSIONS, json=attempt, headers={"X-Forwarded-For": network})

        assert (201, 200) == (made.status_code, lifted.status_code)
        assert ("security.network_banned", 201) == (code(refused), allowed.status_code)
        bad = await tenant.http.post(BANS, json={**body, "network": "home"}, headers=tenant.headers)
        assert 422 == bad.status_code

    async def test_of_one_tenant_is_nothing_to_another(self, stack: Stack, tenant: Tenant, network: str) -> None:
        other = await new_house(stack, await stack.tenant(organisation="The Others"))
        body = {"network": of(network), "reason": "seen elsewhere"}
        made = await tenant.http.post(BANS, json=body, headers=tenant.headers)

        answer = await stack.http.post(
            SESSIONS, json={"email": other.owner, "password": PASSWORD}, headers={"X-Forwarded-For": network}
        )
        theirs = await stack.http.post(f"{BANS}/{made.json()['data']['id']}/lift", headers=other.tenant.headers)

        assert (201, 404) == (answer.status_code, theirs.status_code)


class TestReader:
    async def test_looks_at_each_record_once_though_two_look(self, stack: Stack, tenant: Tenant, network: str) -> None:
        house = await new_house(stack, tenant)
        await looked(stack)
        await guess(stack, network, house.owner, 8)
        detectors = [PostgresThreatDetector(stack.container.database) for _ in range(2)]

        first = await detectors[0].detect(heartbeat=lambda _: None)
        second = await detectors[1].detect(heartbeat=lambda _: None)

        assert first.records >= 16
        assert 0 == second.records
        assert [each.threat_id for each in first.follow] == [each.threat_id for each in second.follow]
        assert (await found(tenant, "brute_force"))["records"] == 8

    async def test_is_started_by_a_schedule(self, stack: Stack) -> None:
        await ensure_schedules(stack.container.temporal, stack.settings)

        described = await stack.container.temporal.get_schedule_handle(detect_threats.SCHEDULE).describe()

        [interval] = described.schedule.spec.intervals
        assert stack.settings.threat_scan_seconds == interval.every.total_seconds()


async def told(stack: Stack, address: str) -> bool:
    """Whether they were mailed of it."""
    return any("guesses the password" in subject for subject in mails(stack, address))


async def add_policy(tenant: Tenant, body: dict[str, Any]) -> httpx.Response:
    return await tenant.http.post("/v1/security/policies", json=body, headers=tenant.headers)
