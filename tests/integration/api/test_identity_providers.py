"""People sign in at a tenant's identity provider: at our own server, and at one that lies."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from applications import Registered, decided, registered
from conftest import Stack, Tenant, served
from fakes.liar import KEY, Liar
from joserfc.jwk import RSAKey
from people import House, Person, new_house, new_member, signed_in

from domain.security.people import Role

PROVIDERS, SIGN_INS = "/v1/security/identity-providers", "/v1/security/provider-sign-ins"
FRONT = "https://front.example/signed-in"
_numbers = count(1)
_owners: dict[str, Person] = {}


@pytest.fixture(scope="module")
async def directory(stack: Stack) -> Tenant:
    """The tenant whose server is the provider."""
    return await stack.tenant(organisation="The Directory")


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """The tenant whose members sign in elsewhere."""
    made = await stack.tenant(organisation="The Branch")
    _owners[made.id] = await signed_in(stack.http, (await new_house(stack, made)).owner)
    return made


@pytest.fixture(scope="module")
async def application(directory: Tenant) -> Registered:
    """What we are at the provider."""
    return await registered(directory, redirectUris=[FRONT], scopes=["openid", "email", "profile"])


@pytest.fixture
async def house(stack: Stack, directory: Tenant) -> House:
    """Somebody with an account at the provider."""
    return await new_house(stack, directory)


@pytest.fixture
async def there(stack: Stack, house: House) -> Person:
    """The same, signed in there."""
    return await signed_in(stack.http, house.owner)


def body_of(issuer: str, application: Registered) -> dict[str, Any]:
    return {
        "name": "The Directory",
        "issuer": issuer,
        "clientId": application.id,
        "clientSecret": application.secret,
        "redirectUris": [FRONT],
    }


async def provider_of(
    tenant: Tenant, issuer: str, application: Registered, *, by: Person | None = None, **changes: Any
) -> httpx.Response:
    body = {**body_of(issuer, application), **changes}
    headers = by.headers if by else _owners[tenant.id].headers
    return await tenant.http.post(PROVIDERS, json=body, headers=headers)


async def begun(stack: Stack, provider: str, redirect_uri: str = FRONT) -> dict[str, str]:
    answer = await stack.http.post(
        f"{SIGN_INS}/begin", json={"identityProviderId": provider, "redirectUri": redirect_uri}
    )
    assert answer.status_code == 201, answer.text
    told: dict[str, str] = answer.json()["data"]
    return told


async def back_with(stack: Stack, person: Person, told: dict[str, str]) -> dict[str, str]:
    """State and code, after this person has let us know who they are."""
    answer = await decided(stack.http, person, urlsplit(told["authorizationUrl"]).query)
    came = parse_qs(urlsplit(answer.json()["data"]["redirectTo"]).query)
    return {"state": came["state"][0], "code": came["code"][0]}


async def sign_in(stack: Stack, person: Person, provider: str) -> httpx.Response:
    return await stack.http.post(SIGN_INS, json=await back_with(stack, person, await begun(stack, provider)))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class TestOurOwnServer:
    async def test_lets_a_member_in_and_shows_nothing_of_other_tenants(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House, there: Person
    ) -> None:
        await new_member(stack, tenant, house.owner, Role.MEMBER)
        provider = (await provider_of(tenant, stack.url, application)).json()["data"]["id"]

        answer = await sign_in(stack, there, provider)
        here = Person(there.id, answer.json()["data"]["id"], answer.json()["data"]["token"])
        me = (await stack.http.get("/v1/security/me", headers=here.headers)).json()["data"]
        sessions = (await stack.http.get("/v1/security/sessions/mine", headers=here.headers)).json()["data"]
        ended = await stack.http.post("/v1/security/sessions/mine/revoke-others", headers=here.headers)
        elsewhere = await stack.http.post(f"/v1/security/sessions/{there.session_id}/revoke", headers=here.headers)

        assert (201, there.id, tenant.id, False) == (answer.status_code, me["id"], me["tenantId"], me["mfa"])
        assert [tenant.id] == [each["tenantId"] for each in me["memberships"]]
        assert [here.session_id] == [each["id"] for each in sessions]
        assert ([], (404, "security.session_not_found")) == (ended.json()["data"]["ids"], code(elsewhere))
        for path in ("/v1/security/passkeys", "/v1/security/second-factor"):
            hidden = await stack.http.get(path, headers=here.headers)
            assert (401, "security.step_up_required") == code(hidden)
        assert me["hasPassword"] is False

    async def test_lets_nobody_join_who_has_an_account_and_was_not_asked(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House, there: Person
    ) -> None:
        domain = house.owner.partition("@")[2]
        provider = (await provider_of(tenant, stack.url, application, joinAs="viewer", domains=[domain])).json()[
            "data"
        ]["id"]

        answer = await sign_in(stack, there, provider)

        assert (403, "security.not_a_member") == code(answer)
        records = (await tenant.get("/v1/security/audit-records", limit=50))["items"]
        assert [("denied", "security.not_a_member")] == [
            (each["outcome"], each["details"]["reason"])
            for each in records
            if each["resource"] == provider and each["action"] == "security.sign_in"
        ]

    async def test_is_named_by_an_owner_who_is_signed_in_here(
        self, stack: Stack, tenant: Tenant, application: Registered
    ) -> None:
        address = f"admin{next(_numbers)}@branch.example"
        await new_member(stack, tenant, address, Role.ADMIN)
        admin = await signed_in(stack.http, address)

        by_admin = await provider_of(tenant, stack.url, application, by=admin)
        with_key = await tenant.http.post(PROVIDERS, json=body_of(stack.url, application), headers=tenant.headers)

        assert (403, "security.owners_only") == code(by_admin)
        assert (403, "security.people_only") == code(with_key)

    async def test_lets_nobody_else_in(
        self, stack: Stack, tenant: Tenant, application: Registered, there: Person
    ) -> None:
        providers = [
            await provider_of(tenant, stack.url, application),
            await provider_of(tenant, stack.url, application, joinAs="viewer", domains=["elsewhere.example"]),
        ]

        answers = [await sign_in(stack, there, each.json()["data"]["id"]) for each in providers]

        assert [(403, "security.not_a_member")] * 2 == [code(answer) for answer in answers]

    async def test_lets_nobody_in_once_it_is_disabled(
        self, stack: Stack, tenant: Tenant, application: Registered, there: Person
    ) -> None:
        provider = (await provider_of(tenant, stack.url, application)).json()["data"]["id"]
        sent = await back_with(stack, there, await begun(stack, provider))

        await tenant.http.post(f"{PROVIDERS}/{provider}/disable", headers=tenant.headers)
        late = await stack.http.post(SIGN_INS, json=sent)
        again = await stack.http.post(f"{SIGN_INS}/begin", json={"identityProviderId": provider, "redirectUri": FRONT})

        assert (400, "security.provider_sign_in_unknown") == code(late)
        assert (404, "security.identity_provider_not_found") == code(again)

    async def test_takes_a_state_once_and_only_its_own(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House, there: Person
    ) -> None:
        await new_member(stack, tenant, house.owner, Role.MEMBER)
        provider = (await provider_of(tenant, stack.url, application)).json()["data"]["id"]
        sent = await back_with(stack, there, await begun(stack, provider))

        first = await stack.http.post(SIGN_INS, json=sent)
        others = [
            await stack.http.post(SIGN_INS, json={**sent, "state": state}) for state in (sent["state"], "nonsense")
        ]
        fresh = await back_with(stack, there, await begun(stack, provider))
        forged = await stack.http.post(SIGN_INS, json={**fresh, "state": fresh["state"][:-4] + "abcd"})
        others.append(forged)
        assert 201 == (await stack.http.post(SIGN_INS, json=fresh)).status_code

        assert 201 == first.status_code
        assert [(400, "security.provider_sign_in_unknown")] * 3 == [code(each) for each in others]

    async def test_sends_nobody_back_to_a_place_that_was_not_registered(
        self, stack: Stack, tenant: Tenant, application: Registered
    ) -> None:
        provider = (await provider_of(tenant, stack.url, application)).json()["data"]["id"]

        answer = await stack.http.post(
            f"{SIGN_INS}/begin", json={"identityProviderId": provider, "redirectUri": "https://evil.example/"}
        )

        assert (422, "security.identity_provider_invalid") == code(answer)


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    told = Liar()
    async with served(told.application()) as url:
        told.url = url
        yield told


class TestLiar:
    async def came_back(self, stack: Stack, tenant: Tenant, liar: Liar) -> httpx.Response:
        us = Registered("us", "secret", tenant)
        provider = (await provider_of(tenant, liar.url, us)).json()["data"]["id"]
        told = await begun(stack, provider)
        query = parse_qs(urlsplit(told["authorizationUrl"]).query)
        liar.nonce = liar.nonce or query["nonce"][0]
        answer = await stack.http.post(SIGN_INS, json={"state": told["state"], "code": "a-code"})
        digest = hashlib.sha256(liar.asked["code_verifier"][0].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"][0]
        return answer

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"iss": "https://elsewhere.example"}, "iss"),
            ({"aud": "somebody"}, "aud"),
            ({"aud": ["us", "them"], "azp": "them"}, "azp"),
            ({"exp": 1}, "expired"),
            ({"nonce": "another"}, "nonce"),
            ({"nonce": None}, "nonce"),
            ({"sub": None}, "sub"),
            ({"email": "grace@branch.example"}, "not verified"),
            ({"email": "grace@branch.example", "email_verified": "true"}, "not verified"),
        ],
        ids=range(9),
    )
    async def test_is_not_believed(
        self, stack: Stack, tenant: Tenant, liar: Liar, changes: dict[str, Any], words: str
    ) -> None:
        liar.changes, liar.userinfo = changes, {"sub": "7"}

        answer = await self.came_back(stack, tenant, liar)

        assert (401, "security.provider_answer_refused") == code(answer)
        assert words in answer.json()["error"]["details"]["reason"]

    async def test_whose_key_is_not_its_own_is_not_believed(self, stack: Stack, tenant: Tenant, liar: Liar) -> None:
        liar.key = RSAKey.generate_key(2048, {"kid": "theirs"})

        answer = await self.came_back(stack, tenant, liar)

        assert "signature is wrong" in answer.json()["error"]["details"]["reason"]

    async def test_whose_userinfo_is_of_another_is_not_believed(self, stack: Stack, tenant: Tenant, liar: Liar) -> None:
        liar.userinfo = {"sub": "8", "email": "grace@branch.example", "email_verified": True}

        answer = await self.came_back(stack, tenant, liar)

        assert "about somebody else" in answer.json()["error"]["details"]["reason"]

    async def test_lets_people_of_a_domain_join_and_knows_them_again(
        self, stack: Stack, tenant: Tenant, liar: Liar
    ) -> None:
        number = next(_numbers)
        liar.changes = {"sub": f"s{number}", "email": f"new{number}@new.example", "email_verified": True}
        us = Registered("us", "secret", tenant)
        provider = (await provider_of(tenant, liar.url, us, joinAs="viewer", domains=["new.example"])).json()["data"][
            "id"
        ]
        found = []
        for change in ({}, {"email": "renamed@elsewhere.example"}):
            liar.changes = {**liar.changes, **change}
            told = await begun(stack, provider)
            liar.nonce = parse_qs(urlsplit(told["authorizationUrl"]).query)["nonce"][0]
            answer = await stack.http.post(SIGN_INS, json={"state": told["state"], "code": "a-code"})
            assert answer.status_code == 201, answer.text
            found.append(answer.json()["data"]["userId"])
        members = (await tenant.get("/v1/security/members", limit=200))["items"]
        records = (await tenant.get("/v1/security/audit-records", limit=50))["items"]

        assert found[0] == found[1]
        assert ["viewer"] == [each["role"] for each in members if each["id"] == found[0]]
        done = {each["action"] for each in records if each["resource"] == found[0]}
        assert {"security.join_by_provider", "security.link_identity"} <= done

    async def test_that_rotates_its_key_is_believed_again(self, stack: Stack, tenant: Tenant, liar: Liar) -> None:
        address = f"rotator{next(_numbers)}@branch.example"
        await new_member(stack, tenant, address, Role.VIEWER)
        liar.changes = {"email": address, "email_verified": True}
        liar.key = RSAKey.generate_key(2048, {"kid": "older"})
        before = await self.came_back(stack, tenant, liar)
        liar.key, liar.nonce = KEY, ""

        after = await self.came_back(stack, tenant, liar)

        assert (401, 201) == (before.status_code, after.status_code)


class TestRegistration:
    @pytest.mark.parametrize(
        ("changes", "status", "code_", "words"),
        [
            ({"issuer": "https://[abc"}, 422, "security.identity_provider_invalid", "no issuer's address"),
            ({"issuer": "http://127.0.0.1:9/"}, 503, "security.provider_unreachable", ""),
            ({"redirectUris": ["http://front.example/"]}, 422, "security.identity_provider_invalid", "not on TLS"),
            ({"joinAs": "viewer"}, 422, "security.identity_provider_invalid", "go together"),
            (
                {"joinAs": "owner", "domains": ["a.example"]},
                403,
                "security.role_above_yours",
                "",
            ),
        ],
    )
    async def test_says_what_does_not_fit(
        self,
        stack: Stack,
        tenant: Tenant,
        application: Registered,
        changes: dict[str, Any],
        status: int,
        code_: str,
        words: str,
    ) -> None:
        answer = await provider_of(tenant, **{"issuer": stack.url, "application": application, **changes})

        assert (status, code_) == code(answer)
        assert words in str(answer.json()["error"]["details"])

    async def test_wants_the_issuers_own_name(self, stack: Stack, tenant: Tenant, application: Registered) -> None:
        answer = await provider_of(tenant, stack.url + "/", application)

        assert (422, "security.identity_provider_invalid") == code(answer)
        assert "it calls itself" in str(answer.json()["error"]["details"]["problems"])
