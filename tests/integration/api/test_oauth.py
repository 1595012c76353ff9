"""Applications act for people and as service accounts, by the rules of OAuth 2.0, until it is taken back."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from applications import (
    AUTHORIZE,
    CALLBACK,
    DEVICE,
    DEVICES,
    OAUTH,
    VERIFIER,
    Registered,
    bearer,
    code_for,
    decided,
    exchanged,
    new_service_account,
    on_its_own,
    own_token,
    refreshed,
    registered,
    request_of,
    tokens_for,
)
from conftest import Stack, Tenant, until
from joserfc import jwt
from joserfc.jwk import ECKey
from people import PASSWORD, House, Person, new_house, new_member, signed_in

from adapters.kernel.clock import new_id, utc_now
from adapters.temporal.schedules import ensure_schedules
from domain.security.ids import AccessTokenId
from domain.security.jose import Expected, usable_keys, verify
from domain.security.people import Role
from workflows.security.rotate_signing_keys import SCHEDULE

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ME = "/v1/security/me"


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Harbour Office")


@pytest.fixture(scope="module")
async def stranger(stack: Stack) -> Tenant:
    """Another tenant."""
    return await stack.tenant(organisation="Elsewhere")


@pytest.fixture(scope="module")
async def application(tenant: Tenant) -> Registered:
    """One that people let in."""
    return await registered(tenant)


@pytest.fixture
async def house(stack: Stack, tenant: Tenant) -> House:
    return await new_house(stack, tenant)


@pytest.fixture
async def person(stack: Stack, house: House) -> Person:
    """A new owner of the tenant, signed in."""
    return await signed_in(stack.http, house.owner)


async def me(stack: Stack, token: str) -> httpx.Response:
    return await stack.http.get(ME, headers=bearer(token))


async def introspected(stack: Stack, application: Registered, token: str) -> dict[str, Any]:
    answer = await stack.http.post(f"{OAUTH}/introspect", data={"token": token}, auth=application.auth)
    told: dict[str, Any] = answer.json()
    return told


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


class TestAuthorizationCode:
    async def test_lets_an_application_act_for_a_person(
        self, stack: Stack, application: Registered, person: Person
    ) -> None:
        told = await tokens_for(stack, application, person)
        who = (await me(stack, told["access_token"])).json()["data"]

        assert ("Bearer", 600, "openid read") == (told["token_type"], told["expires_in"], told["scope"])
        assert ("user", person.id, ["read"], None, "viewer") == (
            who["kind"],
            who["id"],
            who["scopes"],
            who["sessionId"],
            who["role"],
        )

    async def test_gives_an_id_token_that_the_key_set_verifies(
        self, stack: Stack, application: Registered, person: Person
    ) -> None:
        told = await tokens_for(stack, application, person, nonce="n-0S6_WzA2Mj")
        keys = usable_keys((await stack.http.get("/.well-known/jwks.json")).json())

        claims = verify(
            told["id_token"],
            keys,
            Expected(issuer=stack.url, audience=application.id, algorithms=("RS256",)),
            now=utc_now(),
        )

        assert (person.id, "n-0S6_WzA2Mj", ["pwd"]) == (claims["sub"], claims["nonce"], claims["amr"])

    async def test_is_used_once_and_its_second_use_ends_what_it_gave(
        self, stack: Stack, application: Registered, person: Person
    ) -> None:
        code = await code_for(stack, application, person)
        told = (await exchanged(stack, application, code)).json()

        again = await exchanged(stack, application, code)

        assert (400, "invalid_grant") == refusal(again)
        assert 401 == (await me(stack, told["access_token"])).status_code
        assert (400, "invalid_grant") == refusal(await refreshed(stack, application, told["refresh_token"]))

    @pytest.mark.parametrize(
        "change",
        [
            {"code_verifier": "another-verifier-that-is-long-enough-to-be-one"},
            {"code_verifier": ""},
            {"redirect_uri": "https://reports.example/other"},
            {"redirect_uri": ""},
            {"code": "hgc_00000000000000000000000000_aaaa"},
            {"code": "nonsense"},
        ],
    )
    async def test_needs_the_verifier_the_redirect_uri_and_itself(
        self, stack: Stack, application: Registered, person: Person, change: dict[str, str]
    ) -> None:
        code = await code_for(stack, application, person)

        sent = {"code": code, **change}
        answer = await exchanged(stack, application, **sent)

        assert (400, True) == (answer.status_code, answer.json()["error"] in {"invalid_grant", "invalid_request"})

    async def test_belongs_to_the_application_it_was_given_to(
        self, stack: Stack, tenant: Tenant, application: Registered, person: Person
    ) -> None:
        other = await registered(tenant)
        code = await code_for(stack, application, person)

        assert (400, "invalid_grant") == refusal(await exchanged(stack, other, code))

    async def test_is_worthless_after_a_minute(self, stack: Stack, application: Registered, person: Person) -> None:
        code = await code_for(stack, application, person)
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_authorization_code SET expires_at = now() WHERE used_at IS NULL"
            )

        assert (400, "invalid_grant") == refusal(await exchanged(stack, application, code))

    async def test_reaches_no_further_than_the_person_does(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House
    ) -> None:
        address = f"viewer.{house.owner}"
        await new_member(stack, tenant, address, Role.VIEWER)
        viewer = await signed_in(stack.http, address)

        told = await tokens_for(stack, application, viewer, scope="openid read write admin")

        assert "openid read" == told["scope"]

    async def test_is_for_members_of_the_applications_tenant_only(
        self, stack: Stack, stranger: Tenant, application: Registered
    ) -> None:
        elsewhere = await signed_in(stack.http, (await new_house(stack, stranger)).owner)

        answer = await decided(stack.http, elsewhere, request_of(application))

        assert (404, "security.application_not_found") == (answer.status_code, answer.json()["error"]["code"])

    async def test_can_be_denied(self, stack: Stack, application: Registered, person: Person) -> None:
        answer = await decided(stack.http, person, request_of(application), approved=False)
        told = parse_qs(urlsplit(answer.json()["data"]["redirectTo"]).query)

        assert (["access_denied"], ["a state"], [stack.url]) == (told["error"], told["state"], told["iss"])

    async def test_wants_a_fresh_proof_if_the_application_does(
        self, stack: Stack, application: Registered, person: Person
    ) -> None:
        answer = await decided(stack.http, person, request_of(application, max_age="0"))

        assert (401, "security.step_up_required") == (answer.status_code, answer.json()["error"]["code"])


class TestAuthorizationRequest:
    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"scope": "openid everything"}, "invalid_scope"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"prompt": "none"}, "login_required"),
            ({"response_mode": "form_post"}, "invalid_request"),
            ({"request": "eyJ"}, "request_not_supported"),
        ],
    )
    async def test_that_is_wrong_goes_back_to_the_application(
        self, stack: Stack, application: Registered, change: dict[str, str | None], error: str
    ) -> None:
        answer = await stack.http.get(f"{AUTHORIZE}?{request_of(application, **change)}")
        place = urlsplit(answer.headers.get("location", ""))

        assert (302, "reports.example") == (answer.status_code, place.hostname)
        assert ([error], ["a state"]) == (parse_qs(place.query)["error"], parse_qs(place.query)["state"])

    @pytest.mark.parametrize(
        "change",
        [
            {"redirect_uri": "https://evil.example/callback"},
            {"redirect_uri": "https://reports.example/callback/.."},
            {"redirect_uri": "https://reports.example/callback?x=1"},
            {"redirect_uri": 'javascript:alert("1")'},
            {"client_id": "app_00000000000000000000000000"},
            {"client_id": "nobody"},
            {"client_id": None},
        ],
    )
    async def test_goes_nowhere_unless_the_application_is_known_and_the_place_is_its_own(
        self, stack: Stack, application: Registered, change: dict[str, str | None]
    ) -> None:
        answer = await stack.http.get(f"{AUTHORIZE}?{request_of(application, **change)}")

        assert (400, None, "text/html") == (
            answer.status_code,
            answer.headers.get("location"),
            answer.headers["content-type"].partition(";")[0],
        )

    async def test_shows_a_page_that_nothing_can_be_put_into(self, stack: Stack, tenant: Tenant) -> None:
        nasty = await registered(tenant, name="</script><script>alert(1)</script>")

        answer = await stack.http.get(f"{AUTHORIZE}?{request_of(nasty)}")

        assert (200, False) == (answer.status_code, "<script>alert" in answer.text)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


class TestRefreshToken:
    async def test_comes_with_its_successor(self, stack: Stack, application: Registered, person: Person) -> None:
        first = await tokens_for(stack, application, person)

        second = (await refreshed(stack, application, first["refresh_token"])).json()
        third = await refreshed(stack, application, second["refresh_token"])

        assert 200 == third.status_code
        assert 3 == len({first["refresh_token"], second["refresh_token"], third.json()["refresh_token"]})
        assert 200 == (await me(stack, third.json()["access_token"])).status_code

    async def test_used_by_fifty_at_once_helps_one_and_ends_the_family(
        self, stack: Stack, application: Registered, person: Person
    ) -> None:
        first = await tokens_for(stack, application, person)

        answers = await asyncio.gather(*(refreshed(stack, application, first["refresh_token"]) for _ in range(50)))
        helped = [answer.json() for answer in answers if answer.status_code == 200]

        assert [(400, "invalid_grant")] * 49 == [refusal(answer) for answer in answers if answer.status_code != 200]
        assert 1 == len(helped)
        assert 401 == (await me(stack, helped[0]["access_token"])).status_code
        assert (400, "invalid_grant") == refusal(await refreshed(stack, application, helped[0]["refresh_token"]))
        found = await stack.http.get("/v1/security/authorizations/mine", headers=person.headers)
        assert [] == found.json()["data"]

    async def test_of_another_application_does_nothing(
        self, stack: Stack, tenant: Tenant, application: Registered, person: Person
    ) -> None:
        other = await registered(tenant)
        told = await tokens_for(stack, application, person)

        stolen = await refreshed(stack, other, told["refresh_token"])

        assert (400, "invalid_grant") == refusal(stolen)
        assert 200 == (await refreshed(stack, application, told["refresh_token"])).status_code

    async def test_can_ask_for_less_but_not_for_more(
        self, stack: Stack, application: Registered, person: Person
    ) -> None:
        told = await tokens_for(stack, application, person, scope="openid read write")

        more = await refreshed(stack, application, told["refresh_token"], scope="read admin")
        less = (await refreshed(stack, application, told["refresh_token"], scope="read")).json()

        assert (400, "invalid_scope") == refusal(more)
        assert ("read", False) == (less["scope"], "id_token" in less)

    async def test_follows_what_the_person_becomes(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House
    ) -> None:
        address = f"member.{house.owner}"
        user_id = await new_member(stack, tenant, address, Role.MEMBER)
        told = await tokens_for(stack, application, await signed_in(stack.http, address), scope="read write")

        changed = await stack.http.patch(
            f"/v1/security/members/{user_id}", json={"role": "viewer"}, headers=tenant.headers
        )
        now = (await me(stack, told["access_token"])).json()["data"]

        assert (200, ["read"]) == (changed.status_code, now["scopes"])
        assert "read" == (await introspected(stack, application, told["access_token"]))["scope"]
        assert "read" == (await refreshed(stack, application, told["refresh_token"])).json()["scope"]

    async def test_ends_with_the_password_and_with_the_membership(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House, person: Person
    ) -> None:
        address = f"leaver.{house.owner}"
        user_id = await new_member(stack, tenant, address, Role.MEMBER)
        leaver = await tokens_for(stack, application, await signed_in(stack.http, address))
        stayer = await tokens_for(stack, application, person)

        await stack.http.delete(f"/v1/security/members/{user_id}", headers=tenant.headers)
        body = {"current": PASSWORD, "new": "nine lanterns over the quay"}
        changed = await stack.http.put(f"{ME}/password", json=body, headers=person.headers)

        assert 200 == changed.status_code
        for told in (leaver, stayer):
            assert 401 == (await me(stack, told["access_token"])).status_code
            assert (400, "invalid_grant") == refusal(await refreshed(stack, application, told["refresh_token"]))


class TestClientCredentials:
    async def test_let_a_program_be_a_service_account(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant)

        told = (await own_token(stack, program)).json()
        who = (await me(stack, told["access_token"])).json()["data"]

        assert ("read write", False) == (told["scope"], "refresh_token" in told)
        assert ("service_account", ["read", "write"]) == (who["kind"], who["scopes"])

    async def test_reach_no_further_than_the_account_does(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant, role="viewer", scopes=("read", "admin"))

        assert "read" == (await own_token(stack, program)).json()["scope"]

    async def test_are_named_in_the_audit_trail(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant, role="admin", scopes=("admin",))
        token = (await own_token(stack, program)).json()["access_token"]

        made = await stack.http.post(
            "/v1/security/api-keys", json={"label": "made by a program", "scopes": ["read"]}, headers=bearer(token)
        )
        records = (await tenant.get("/v1/security/audit-records", limit=50))["items"]

        assert 201 == made.status_code
        [record] = [each for each in records if each["resource"] == made.json()["data"]["id"]]
        assert ("service_account", True) == (record["actorKind"], record["actorId"].startswith("sva_"))

    async def test_stop_with_the_account_and_with_the_application(self, stack: Stack, tenant: Tenant) -> None:
        account = await new_service_account(tenant)
        both = [
            await registered(
                tenant,
                grantTypes=["client_credentials"],
                redirectUris=[],
                scopes=["read"],
                serviceAccountId=account,
            )
            for _ in range(2)
        ]
        tokens = [(await own_token(stack, each)).json()["access_token"] for each in both]

        await stack.http.post(f"/v1/security/applications/{both[0].id}/disable", headers=tenant.headers)
        first = [(await me(stack, token)).status_code for token in tokens]
        await stack.http.post(f"/v1/security/service-accounts/{account}/disable", headers=tenant.headers)
        second = [(await me(stack, token)).status_code for token in tokens]

        assert ([401, 200], [401, 401]) == (first, second)
        assert [(401, "invalid_client"), (400, "unauthorized_client")] == [
            refusal(await own_token(stack, each)) for each in both
        ]

    @pytest.mark.parametrize("secret", ["", "hgx_00000000000000000000000000_a", "ö", "x" * 500])
    async def test_have_to_be_right(self, stack: Stack, tenant: Tenant, secret: str) -> None:
        program = await on_its_own(tenant)

        answer = await own_token(stack, Registered(program.id, secret, tenant))

        assert (401, "invalid_client") == refusal(answer)
        assert 'Basic realm="harborgrid"' == answer.headers["www-authenticate"]

    async def test_of_the_old_secret_work_until_the_overlap_ends(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant)
        path = f"/v1/security/applications/{program.id}/rotate-secret"

        fresh = await stack.http.post(path, json={"overlapSeconds": 60}, headers=tenant.headers)
        newer = Registered(program.id, fresh.json()["data"]["clientSecret"], tenant)
        both = [(await own_token(stack, each)).status_code for each in (program, newer)]
        last = await stack.http.post(path, json={"overlapSeconds": 0}, headers=tenant.headers)
        newest = Registered(program.id, last.json()["data"]["clientSecret"], tenant)

        assert [200, 200] == both
        assert [401, 401, 200] == [(await own_token(stack, each)).status_code for each in (program, newer, newest)]

    async def test_can_be_signed_with_the_applications_own_key(self, stack: Stack, tenant: Tenant) -> None:
        key = ECKey.generate_key("P-256", {"kid": "mine"})
        program = await registered(
            tenant,
            grantTypes=["client_credentials"],
            redirectUris=[],
            scopes=["read"],
            serviceAccountId=await new_service_account(tenant),
            tokenEndpointAuthMethod="private_key_jwt",
            jwks={"keys": [key.as_dict(private=False)]},
        )
        now = int(utc_now().timestamp())
        claims = {"iss": program.id, "sub": program.id, "aud": stack.url, "exp": now + 60, "jti": new_id(AccessTokenId)}

        def form(**changes: Any) -> dict[str, str]:
            return {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION,
                "client_assertion": jwt.encode({"alg": "ES256", "kid": "mine"}, {**claims, **changes}, key),
            }

        async def asked(sent: dict[str, str]) -> int:
            return (await stack.http.post(f"{OAUTH}/token", data=sent)).status_code

        once = form()
        assert [200, 401] == [await asked(once), await asked(once)]
        wrong = ({"aud": "https://elsewhere.example"}, {"exp": now - 60}, {"iss": "somebody"}, {"jti": ""})
        assert [401] * 4 == [await asked(form(**{"jti": new_id(AccessTokenId), **each})) for each in wrong]


class TestDeviceCode:
    async def begin(self, stack: Stack, tenant: Tenant) -> tuple[Registered, dict[str, Any]]:
        device = await registered(
            tenant,
            grantTypes=[DEVICE, "refresh_token"],
            redirectUris=[],
            tokenEndpointAuthMethod="none",
        )
        answer = await stack.http.post(
            f"{OAUTH}/device_authorization", data={"client_id": device.id, "scope": "openid read"}
        )
        return device, answer.json()

    async def poll(self, stack: Stack, device: Registered, told: dict[str, Any]) -> httpx.Response:
        form = {"grant_type": DEVICE, "device_code": told["device_code"], "client_id": device.id}
        return await stack.http.post(f"{OAUTH}/token", data=form)

    async def decide(self, stack: Stack, person: Person, told: dict[str, Any], *, approved: bool) -> httpx.Response:
        body = {"userCode": told["user_code"].lower().replace("-", " "), "approved": approved}
        return await stack.http.post(f"{DEVICES}/decide", json=body, headers=person.headers)

    async def test_lets_a_device_in_once_somebody_has_typed_the_other_code(
        self, stack: Stack, tenant: Tenant, person: Person
    ) -> None:
        device, told = await self.begin(stack, tenant)

        waiting = [refusal(await self.poll(stack, device, told)) for _ in range(2)]
        seen = await stack.http.post(f"{DEVICES}/look-up", json={"userCode": told["user_code"]}, headers=person.headers)
        await self.decide(stack, person, told, approved=True)
        answer = await self.poll(stack, device, told)

        assert [(400, "authorization_pending"), (400, "slow_down")] == waiting
        assert ("Reports", ["openid", "read"]) == (seen.json()["data"]["application"], seen.json()["data"]["scopes"])
        assert person.id == (await me(stack, answer.json()["access_token"])).json()["data"]["id"]
        assert (400, "invalid_grant") == refusal(await self.poll(stack, device, told))

    async def test_can_be_denied(self, stack: Stack, tenant: Tenant, person: Person) -> None:
        device, told = await self.begin(stack, tenant)

        await self.decide(stack, person, told, approved=False)

        assert (400, "access_denied") == refusal(await self.poll(stack, device, told))
        assert 404 == (await self.decide(stack, person, told, approved=True)).status_code

    async def test_is_found_by_members_of_its_tenant_only(self, stack: Stack, tenant: Tenant, stranger: Tenant) -> None:
        _, told = await self.begin(stack, tenant)
        elsewhere = await signed_in(stack.http, (await new_house(stack, stranger)).owner)

        answer = await self.decide(stack, elsewhere, told, approved=True)

        assert (404, "security.user_code_unknown") == (answer.status_code, answer.json()["error"]["code"])


class TestAccessToken:
    async def test_is_no_session_of_the_persons(self, stack: Stack, application: Registered, person: Person) -> None:
        told = await tokens_for(stack, application, person, scope="openid admin")
        body = {"current": PASSWORD, "new": "nine lanterns over the quay"}

        mine = (await stack.http.get("/v1/security/authorizations/mine", headers=person.headers)).json()["data"]
        other = await tokens_for(stack, application, person)
        headers = bearer(other["access_token"])
        not_its_own = [
            await stack.http.post(f"/v1/security/sessions/{person.session_id}/revoke", headers=headers),
            await stack.http.post(f"/v1/security/authorizations/{mine[0]['id']}/revoke", headers=headers),
        ]
        answers = [
            await stack.http.put(f"{ME}/password", json=body, headers=bearer(told["access_token"])),
            await stack.http.get("/v1/security/sessions/mine", headers=bearer(told["access_token"])),
            await decided(stack.http, Person(person.id, "", told["access_token"]), request_of(application)),
        ]

        assert [(403, "security.people_only")] * 3 == [
            (answer.status_code, answer.json()["error"]["code"]) for answer in answers
        ]
        assert [403, 403] == [answer.status_code for answer in not_its_own]

    async def test_is_lifted_above_its_scopes_by_no_policy(
        self, stack: Stack, tenant: Tenant, application: Registered, person: Person
    ) -> None:
        text = f'permit (principal == HarborGrid::User::"{person.id}", action, resource);'
        policy = {"name": f"all for {person.id}", "text": text}
        made = await stack.http.post("/v1/security/policies", json=policy, headers=tenant.headers)
        told = await tokens_for(stack, application, person, scope="openid read")

        answer = await stack.http.post(
            "/v1/security/api-keys", json={"label": "mine"}, headers=bearer(told["access_token"])
        )

        assert (201, 403) == (made.status_code, answer.status_code)

    async def test_tells_the_audit_trail_by_what_it_acts(
        self, stack: Stack, tenant: Tenant, application: Registered, person: Person
    ) -> None:
        told = await tokens_for(stack, application, person, scope="openid admin")
        made = await stack.http.post(
            "/v1/security/api-keys", json={"label": "made"}, headers=bearer(told["access_token"])
        )

        records = (await tenant.get("/v1/security/audit-records", limit=50))["items"]
        [record] = [each for each in records if each["resource"] == made.json()["data"]["id"]]

        assert ("user", person.id) == (record["actorKind"], record["actorId"])
        assert record["details"]["byGrant"].startswith("grt_")

    async def test_that_lets_know_who_somebody_is_lets_do_nothing(
        self, stack: Stack, application: Registered, person: Person, house: House
    ) -> None:
        told = await tokens_for(stack, application, person, scope="openid email")

        who = await stack.http.get(f"{OAUTH}/userinfo", headers=bearer(told["access_token"]))
        plans = await stack.http.get("/v1/billing/plans", headers=bearer(told["access_token"]))

        assert {"sub": person.id, "email": house.owner, "email_verified": True} == who.json()
        assert (403, "security.scope_missing") == (plans.status_code, plans.json()["error"]["code"])
        less = (await refreshed(stack, application, told["refresh_token"], scope="openid")).json()
        seen = await stack.http.get(f"{OAUTH}/userinfo", headers=bearer(less["access_token"]))
        assert {"sub": person.id} == seen.json()

    async def test_of_a_service_account_is_nobody_to_know(self, stack: Stack, tenant: Tenant) -> None:
        token = (await own_token(stack, await on_its_own(tenant))).json()["access_token"]

        answers = [
            await stack.http.get(f"{OAUTH}/userinfo", headers=headers)
            for headers in (bearer(token), tenant.headers, {})
        ]

        assert [403, 401, 401] == [answer.status_code for answer in answers]

    async def test_is_revoked_by_the_application_by_the_person_and_by_an_administrator(
        self, stack: Stack, tenant: Tenant, application: Registered, person: Person
    ) -> None:
        told = [await tokens_for(stack, application, person) for _ in range(3)]
        mine = (await stack.http.get("/v1/security/authorizations/mine", headers=person.headers)).json()["data"]
        newest, middle, oldest = (grant["id"] for grant in mine)

        await stack.http.post(f"{OAUTH}/revoke", data={"token": told[2]["refresh_token"]}, auth=application.auth)
        await stack.http.post(f"/v1/security/authorizations/{middle}/revoke", headers=person.headers)
        await stack.http.post(f"/v1/security/authorizations/{oldest}/revoke", headers=tenant.headers)

        assert [401] * 3 == [(await me(stack, each["access_token"])).status_code for each in told]
        page = (await tenant.get("/v1/security/authorizations", userId=person.id))["items"]
        reasons = {grant["id"]: grant["revokeReason"] for grant in page}
        assert {newest: "by_application", middle: "by_person", oldest: "by_administrator"} == reasons

    async def test_is_not_revoked_by_another_application(
        self, stack: Stack, tenant: Tenant, application: Registered, person: Person
    ) -> None:
        other, told = await registered(tenant), await tokens_for(stack, application, person)

        answer = await stack.http.post(f"{OAUTH}/revoke", data={"token": told["access_token"]}, auth=other.auth)

        assert (400, "invalid_grant") == refusal(answer)
        assert 200 == (await me(stack, told["access_token"])).status_code

    async def test_is_explained_to_applications_of_its_tenant(
        self, stack: Stack, tenant: Tenant, stranger: Tenant, application: Registered, person: Person
    ) -> None:
        told = await tokens_for(stack, application, person)
        api, elsewhere = await registered(tenant), await registered(stranger)

        for token in (told["access_token"], told["refresh_token"]):
            seen = await introspected(stack, api, token)
            assert (True, person.id, application.id) == (seen["active"], seen["sub"], seen["client_id"])
            assert {"active": False} == await introspected(stack, elsewhere, token)
        code = await code_for(stack, application, person)
        odd = {"token": "x", "grant_type": "authorization_code", "code": code}
        answer = await stack.http.post(f"{OAUTH}/introspect", data=odd, auth=application.auth)
        assert (200, {"active": False}) == (answer.status_code, answer.json())
        await stack.http.post(f"{OAUTH}/revoke", data={"token": told["access_token"]}, auth=application.auth)
        for token in (told["access_token"], told["refresh_token"], "nonsense"):
            assert {"active": False} == await introspected(stack, api, token)

    async def test_ends_with_its_time(self, stack: Stack, application: Registered, person: Person) -> None:
        told = await tokens_for(stack, application, person)
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_grant SET expires_at = now() WHERE user_id = $1", person.id
            )

        answer = await me(stack, told["access_token"])

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
        assert [200, 200] == [(await me(stack, token)).status_code for token in (before, after)]

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
        assert [401, 200] == [(await me(stack, token)).status_code for token in (before, after)]
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


class TestRegistration:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"redirectUris": ["http://reports.example/callback"]}, "is not on TLS"),
            ({"redirectUris": ["https://reports.example/#part"]}, "has a fragment"),
            ({"redirectUris": ["javascript:alert(1)"]}, "has a scheme"),
            ({"redirectUris": ["https://user@reports.example/"]}, "names no host, or a user"),
            ({"redirectUris": ["https://[reports/"]}, "is no URI"),
            ({"redirectUris": []}, "needs redirectUris"),
            ({"grantTypes": ["refresh_token"], "redirectUris": []}, "no way to a first token"),
            ({"grantTypes": ["client_credentials"], "redirectUris": []}, "needs a serviceAccountId"),
            ({"scopes": ["everything"]}, "there is no scope everything"),
            ({"idTokenSignedResponseAlg": "HS256"}, "is one of EdDSA"),
            ({"jwks": {"keys": []}}, "needs private_key_jwt"),
            (
                {"tokenEndpointAuthMethod": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
                "belongs nowhere but with its owner",
            ),
        ],
    )
    async def test_says_what_does_not_fit_together(
        self, stack: Stack, tenant: Tenant, change: dict[str, Any], words: str
    ) -> None:
        body = {"name": "Reports", "redirectUris": [CALLBACK], **change}

        answer = await stack.http.post("/v1/security/applications", json=body, headers=tenant.headers)

        assert (422, "security.application_invalid") == (answer.status_code, answer.json()["error"]["code"])
        assert words in " ".join(answer.json()["error"]["details"]["problems"])

    async def test_lets_a_native_app_choose_its_port(self, stack: Stack, tenant: Tenant, person: Person) -> None:
        native = await registered(
            tenant,
            redirectUris=["http://127.0.0.1/done"],
            tokenEndpointAuthMethod="none",
        )
        place = "http://127.0.0.1:53682/done"
        code = await code_for(stack, native, person, redirect_uri=place)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": place,
            "code_verifier": VERIFIER,
            "client_id": native.id,
        }

        assert 200 == (await stack.http.post(f"{OAUTH}/token", data=form)).status_code

    async def test_of_an_owner_among_programs_is_refused(self, stack: Stack, tenant: Tenant) -> None:
        answer = await stack.http.post(
            "/v1/security/service-accounts", json={"name": "captain", "role": "owner"}, headers=tenant.headers
        )

        assert (403, "security.role_above_yours") == (answer.status_code, answer.json()["error"]["code"])


class TestBadInput:
    @pytest.mark.parametrize("credentials", ["Basic \xe9", "Basic /w==", "Basic", "Basic Og==", "Basic ;;"])
    async def test_as_credentials_is_answered_as_none(self, stack: Stack, credentials: str) -> None:
        answer = await stack.http.post(
            f"{OAUTH}/token",
            data={"grant_type": "client_credentials"},
            headers={b"Authorization": credentials.encode("latin-1")},
        )

        assert (401, "invalid_client") == refusal(answer)

    async def test_as_keys_is_kept_as_far_as_it_is_known(self, stack: Stack, tenant: Tenant) -> None:
        key = ECKey.generate_key("P-256", {"kid": "mine"}).as_dict(private=False)
        body = {
            "name": "odd",
            "grantTypes": ["client_credentials"],
            "scopes": ["read"],
            "serviceAccountId": await new_service_account(tenant),
            "tokenEndpointAuthMethod": "private_key_jwt",
        }

        kept = await stack.http.post(
            "/v1/security/applications",
            json={**body, "jwks": {"keys": [{**key, "x5c": ["\u0000"], "n_": 2**70}]}},
            headers=tenant.headers,
        )
        many = await stack.http.post(
            "/v1/security/applications",
            json={**body, "jwks": {"keys": [{**key, "kid": str(n)} for n in range(11)]}},
            headers=tenant.headers,
        )

        assert {**key} == kept.json()["data"]["application"]["jwks"]["keys"][0]
        assert (422, True) == (many.status_code, "more than 10 keys" in many.text)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"grant_type=authorization_code",
            b"grant_type=password&username=a&password=b",
            b"grant_type=client_credentials&grant_type=client_credentials",
            b"%ff%fe=1",
            b"\xff\xfe",
            b"grant_type=%22",
            b"{}",
            b"&".join(b"a%d=1" % n for n in range(100)),
            b"grant_type=client_credentials&client_assertion=a.b.c&client_assertion_type=" + quote(ASSERTION).encode(),
        ],
    )
    async def test_at_the_token_endpoint_has_a_named_error(self, stack: Stack, body: bytes) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}

        answer = await stack.http.post(f"{OAUTH}/token", content=body, headers=headers)

        known = {"invalid_request", "invalid_client", "unsupported_grant_type"}
        assert (True, True) == (answer.status_code in {400, 401}, answer.json()["error"] in known)
