"""Access tokens reach as far as they say, until what they rest on is taken back; and the keys that sign them."""

from __future__ import annotations

import pytest
from applications import (
    OAUTH,
    Registered,
    bearer,
    code_for,
    decided,
    introspected,
    known_by,
    on_its_own,
    own_token,
    refreshed,
    refusal,
    registered,
    request_of,
    tokens_for,
)
from conftest import Stack, Tenant, until
from people import PASSWORD, House, Person

from adapters.temporal.schedules import ensure_schedules
from workflows.security.rotate_signing_keys import SCHEDULE

ME = "/v1/security/me"


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Harbour Office")


class TestAccessToken:
    async def test_is_no_session_of_the_persons(self, stack: Stack, application: Registered, owner: Person) -> None:
        told = await tokens_for(stack, application, owner, scope="openid admin")
        body = {"current": PASSWORD, "new": "nine lanterns over the quay"}

        mine = (await stack.http.get("/v1/security/authorizations/mine", headers=owner.headers)).json()["data"]
        other = await tokens_for(stack, application, owner)
        headers = bearer(other["access_token"])
        not_its_own = [
            await stack.http.post(f"/v1/security/sessions/{owner.session_id}/revoke", headers=headers),
            await stack.http.post(f"/v1/security/authorizations/{mine[0]['id']}/revoke", headers=headers),
        ]
        answers = [
            await stack.http.put(f"{ME}/password", json=body, headers=bearer(told["access_token"])),
            await stack.http.get("/v1/security/sessions/mine", headers=bearer(told["access_token"])),
            await decided(stack.http, Person(owner.id, "", told["access_token"]), request_of(application)),
        ]

        assert [(403, "security.people_only")] * 3 == [
            (answer.status_code, answer.json()["error"]["code"]) for answer in answers
        ]
        assert [403, 403] == [answer.status_code for answer in not_its_own]

    async def test_is_lifted_above_its_scopes_by_no_policy(
        self, stack: Stack, tenant: Tenant, application: Registered, owner: Person
    ) -> None:
        text = f'permit (principal == HarborGrid::User::"{owner.id}", action, resource);'
        policy = {"name": f"all for {owner.id}", "text": text}
        made = await stack.http.post("/v1/security/policies", json=policy, headers=tenant.headers)
        told = await tokens_for(stack, application, owner, scope="openid read")

        answer = await stack.http.post(
            "/v1/security/api-keys", json={"label": "mine"}, headers=bearer(told["access_token"])
        )

        assert (201, 403) == (made.status_code, answer.status_code)

    async def test_tells_the_audit_trail_by_what_it_acts(
        self, stack: Stack, tenant: Tenant, application: Registered, owner: Person
    ) -> None:
        told = await tokens_for(stack, application, owner, scope="openid admin")
        made = await stack.http.post(
            "/v1/security/api-keys", json={"label": "made"}, headers=bearer(told["access_token"])
        )

        records = (await tenant.get("/v1/security/audit-records", limit=50))["items"]
        [record] = [each for each in records if each["resource"] == made.json()["data"]["id"]]

        assert ("user", owner.id) == (record["actorKind"], record["actorId"])
        assert record["details"]["byGrant"].startswith("grt_")

    async def test_that_lets_know_who_somebody_is_lets_do_nothing(
        self, stack: Stack, application: Registered, owner: Person, house: House
    ) -> None:
        told = await tokens_for(stack, application, owner, scope="openid email")

        who = await stack.http.get(f"{OAUTH}/userinfo", headers=bearer(told["access_token"]))
        plans = await stack.http.get("/v1/billing/platform-plans", headers=bearer(told["access_token"]))

        assert {"sub": owner.id, "email": house.owner, "email_verified": True} == who.json()
        assert (403, "security.scope_missing") == (plans.status_code, plans.json()["error"]["code"])
        less = (await refreshed(stack, application, told["refresh_token"], scope="openid")).json()
        seen = await stack.http.get(f"{OAUTH}/userinfo", headers=bearer(less["access_token"]))
        assert {"sub": owner.id} == seen.json()

    async def test_of_a_service_account_is_nobody_to_know(self, stack: Stack, tenant: Tenant) -> None:
        token = (await own_token(stack, await on_its_own(tenant))).json()["access_token"]

        answers = [
            await stack.http.get(f"{OAUTH}/userinfo", headers=headers)
            for headers in (bearer(token), tenant.headers, {})
        ]

        assert [403, 401, 401] == [answer.status_code for answer in answers]

    async def test_is_revoked_by_the_application_by_the_person_and_by_an_administrator(
        self, stack: Stack, tenant: Tenant, application: Registered, owner: Person
    ) -> None:
        told = [await tokens_for(stack, application, owner) for _ in range(3)]
        mine = (await stack.http.get("/v1/security/authorizations/mine", headers=owner.headers)).json()["data"]
        newest, middle, oldest = (grant["id"] for grant in mine)

        await stack.http.post(f"{OAUTH}/revoke", data={"token": told[2]["refresh_token"]}, auth=application.auth)
        await stack.http.post(f"/v1/security/authorizations/{middle}/revoke", headers=owner.headers)
        await stack.http.post(f"/v1/security/authorizations/{oldest}/revoke", headers=tenant.headers)

        assert [401] * 3 == [(await known_by(stack, each["access_token"])).status_code for each in told]
        page = (await tenant.get("/v1/security/authorizations", userId=owner.id))["items"]
        reasons = {grant["id"]: grant["revokeReason"] for grant in page}
        assert {newest: "by_application", middle: "by_person", oldest: "by_administrator"} == reasons

    async def test_is_not_revoked_by_another_application(
        self, stack: Stack, tenant: Tenant, application: Registered, owner: Person
    ) -> None:
        other, told = await registered(tenant), await tokens_for(stack, application, owner)

        answer = await stack.http.post(f"{OAUTH}/revoke", data={"token": told["access_token"]}, auth=other.auth)

        assert (400, "invalid_grant") == refusal(answer)
        assert 200 == (await known_by(stack, told["access_token"])).status_code

    async def test_is_explained_to_applications_of_its_tenant(
        self, stack: Stack, tenant: Tenant, stranger: Tenant, application: Registered, owner: Person
    ) -> None:
        told = await tokens_for(stack, application, owner)
        api, elsewhere = await registered(tenant), await registered(stranger)

        for token in (told["access_token"], told["refresh_token"]):
            seen = await introspected(stack, api, token)
            assert (True, owner.id, application.id) == (seen["active"], seen["sub"], seen["client_id"])
            assert {"active": False} == await introspected(stack, elsewhere, token)
        code = await code_for(stack, application, owner)
        odd = {"token": "x", "grant_type": "authorization_code", "code": code}
        answer = await stack.http.post(f"{OAUTH}/introspect", data=odd, auth=application.auth)
        assert (200, {"active": False}) == (answer.status_code, answer.json())
        await stack.http.post(f"{OAUTH}/revoke", data={"token": told["access_token"]}, auth=application.auth)
        for token in (told["access_token"], told["refresh_token"], "nonsense"):
            assert {"active": False} == await introspected(stack, api, token)

    async def test_ends_with_its_time(self, stack: Stack, application: Registered, owner: Person) -> None:
        told = await tokens_for(stack, application, owner)
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_grant SET expires_at = now() WHERE user_id = $1", owner.id
            )

        answer = await known_by(stack, told["access_token"])

        assert (401, "security.token_invalid") == (answer.status_code, answer.json()["error"]["code"])


class TestSigningKey:
    async def test_rotates_without_a_gap(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant)
        before = (await own_token(stack, program)).json()["access_token"]

        made = await stack.http.post("/v1/security/signing-keys/rotate", json={}, headers=stack.operator)
        known = {key["kid"] for key in (await stack.http.get("/.well-known/jwks.json")).json()["keys"]}
        after = (await own_token(stack, program)).json()["access_token"]

        assert (201, False) == (made.status_code, made.json()["data"]["signing"])
        assert made.json()["data"]["id"] in known
        assert [200, 200] == [(await known_by(stack, token)).status_code for token in (before, after)]

    async def test_is_renewed_by_the_clock_once_it_has_signed_for_a_month(self, stack: Stack) -> None:
        keys = stack.container.signing_keys
        await keys.ready()
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_signing_key SET signs_from = signs_from - interval '30 days' "
                "WHERE algorithm = 'ES256'"
            )
        schedule = stack.container.temporal.get_schedule_handle(SCHEDULE)

        async def renewed() -> bool:
            told = (await stack.http.get("/v1/security/signing-keys", headers=stack.operator)).json()["data"]
            return [True, False] == [key["signing"] for key in told if key["algorithm"] == "ES256"]

        await ensure_schedules(stack.container.temporal, stack.settings)
        await schedule.trigger()
        await until(renewed, what="a new key")
        assert [] == await keys.rotate_due()

    async def test_that_is_revoked_is_believed_no_more(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant)
        before = (await own_token(stack, program)).json()["access_token"]
        keys = (await stack.http.get("/v1/security/signing-keys", headers=stack.operator)).json()["data"]
        [signing] = [key["id"] for key in keys if key["signing"] and key["algorithm"] == "EdDSA"]

        answer = await stack.http.post(
            f"/v1/security/signing-keys/{signing}/revoke", json={"reason": "found in a log"}, headers=stack.operator
        )
        after = (await own_token(stack, program)).json()["access_token"]

        assert 200 == answer.status_code
        assert [401, 200] == [(await known_by(stack, token)).status_code for token in (before, after)]
        assert signing not in (await stack.http.get("/.well-known/jwks.json")).text

    async def test_that_never_signed_leaves_the_one_before_it_in_charge(self, stack: Stack, tenant: Tenant) -> None:
        made = await stack.http.post(
            "/v1/security/signing-keys/rotate", json={"algorithm": "RS256"}, headers=stack.operator
        )
        coming = made.json()["data"]["id"]

        await stack.http.post(
            f"/v1/security/signing-keys/{coming}/revoke", json={"reason": "a mistake"}, headers=stack.operator
        )
        keys = (await stack.http.get("/v1/security/signing-keys", headers=stack.operator)).json()["data"]

        [left] = [key for key in keys if key["algorithm"] == "RS256"]
        assert (True, None) == (left["signing"], left["expiresAt"])

    async def test_is_the_operators_business(self, stack: Stack, tenant: Tenant) -> None:
        answer = await stack.http.post("/v1/security/signing-keys/rotate", json={}, headers=tenant.headers)

        assert (403, "security.operators_only") == (answer.status_code, answer.json()["error"]["code"])
