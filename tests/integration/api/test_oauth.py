"""Applications act for people and as service accounts, by the rules of OAuth 2.0, until it is taken back."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from applications import (
    AUTHORIZE,
    Registered,
    code_for,
    decided,
    exchanged,
    introspected,
    known_by,
    refreshed,
    refusal,
    registered,
    request_of,
    tokens_for,
)
from conftest import Stack, Tenant
from people import PASSWORD, House, Person, new_house, new_member, signed_in

from adapters.kernel.clock import utc_now
from domain.security.jose import Expected, usable_keys, verify
from domain.security.people import Role

ME = "/v1/security/me"


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Harbour Office")


class TestAuthorizationCode:
    async def test_lets_an_application_act_for_a_person(
        self, stack: Stack, application: Registered, owner: Person
    ) -> None:
        told = await tokens_for(stack, application, owner)
        who = (await known_by(stack, told["access_token"])).json()["data"]

        assert ("Bearer", 600, "openid read") == (told["token_type"], told["expires_in"], told["scope"])
        assert ("user", owner.id, ["read"], None, "viewer") == (
            who["kind"],
            who["id"],
            who["scopes"],
            who["sessionId"],
            who["role"],
        )

    async def test_gives_an_id_token_that_the_key_set_verifies(
        self, stack: Stack, application: Registered, owner: Person
    ) -> None:
        told = await tokens_for(stack, application, owner, nonce="n-0S6_WzA2Mj")
        keys = usable_keys((await stack.http.get("/.well-known/jwks.json")).json())

        claims = verify(
            told["id_token"],
            keys,
            Expected(issuer=stack.url, audience=application.id, algorithms=("RS256",)),
            now=utc_now(),
        )

        assert (owner.id, "n-0S6_WzA2Mj", ["pwd"]) == (claims["sub"], claims["nonce"], claims["amr"])

    async def test_is_used_once_and_its_second_use_ends_what_it_gave(
        self, stack: Stack, application: Registered, owner: Person
    ) -> None:
        code = await code_for(stack, application, owner)
        told = (await exchanged(stack, application, code)).json()

        again = await exchanged(stack, application, code)

        assert (400, "invalid_grant") == refusal(again)
        assert 401 == (await known_by(stack, told["access_token"])).status_code
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
        self, stack: Stack, application: Registered, owner: Person, change: dict[str, str]
    ) -> None:
        code = await code_for(stack, application, owner)

        sent = {"code": code, **change}
        answer = await exchanged(stack, application, **sent)

        assert (400, True) == (answer.status_code, answer.json()["error"] in {"invalid_grant", "invalid_request"})

    async def test_belongs_to_the_application_it_was_given_to(
        self, stack: Stack, tenant: Tenant, application: Registered, owner: Person
    ) -> None:
        other = await registered(tenant)
        code = await code_for(stack, application, owner)

        assert (400, "invalid_grant") == refusal(await exchanged(stack, other, code))

    async def test_is_worthless_after_a_minute(self, stack: Stack, application: Registered, owner: Person) -> None:
        code = await code_for(stack, application, owner)
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

    async def test_can_be_denied(self, stack: Stack, application: Registered, owner: Person) -> None:
        answer = await decided(stack.http, owner, request_of(application), approved=False)
        told = parse_qs(urlsplit(answer.json()["data"]["redirectTo"]).query)

        assert (["access_denied"], ["a state"], [stack.url]) == (told["error"], told["state"], told["iss"])

    async def test_wants_a_fresh_proof_if_the_application_does(
        self, stack: Stack, application: Registered, owner: Person
    ) -> None:
        answer = await decided(stack.http, owner, request_of(application, max_age="0"))

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
    async def test_comes_with_its_successor(self, stack: Stack, application: Registered, owner: Person) -> None:
        first = await tokens_for(stack, application, owner)

        second = (await refreshed(stack, application, first["refresh_token"])).json()
        third = await refreshed(stack, application, second["refresh_token"])

        assert 200 == third.status_code
        assert 3 == len({first["refresh_token"], second["refresh_token"], third.json()["refresh_token"]})
        assert 200 == (await known_by(stack, third.json()["access_token"])).status_code

    async def test_used_by_fifty_at_once_helps_one_and_ends_the_family(
        self, stack: Stack, application: Registered, owner: Person
    ) -> None:
        first = await tokens_for(stack, application, owner)

        answers = await asyncio.gather(*(refreshed(stack, application, first["refresh_token"]) for _ in range(50)))
        helped = [answer.json() for answer in answers if answer.status_code == 200]

        assert [(400, "invalid_grant")] * 49 == [refusal(answer) for answer in answers if answer.status_code != 200]
        assert 1 == len(helped)
        assert 401 == (await known_by(stack, helped[0]["access_token"])).status_code
        assert (400, "invalid_grant") == refusal(await refreshed(stack, application, helped[0]["refresh_token"]))
        found = await stack.http.get("/v1/security/authorizations/mine", headers=owner.headers)
        assert [] == found.json()["data"]

    async def test_of_another_application_does_nothing(
        self, stack: Stack, tenant: Tenant, application: Registered, owner: Person
    ) -> None:
        other = await registered(tenant)
        told = await tokens_for(stack, application, owner)

        stolen = await refreshed(stack, other, told["refresh_token"])

        assert (400, "invalid_grant") == refusal(stolen)
        assert 200 == (await refreshed(stack, application, told["refresh_token"])).status_code

    async def test_can_ask_for_less_but_not_for_more(
        self, stack: Stack, application: Registered, owner: Person
    ) -> None:
        told = await tokens_for(stack, application, owner, scope="openid read write")

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
        now = (await known_by(stack, told["access_token"])).json()["data"]

        assert (200, ["read"]) == (changed.status_code, now["scopes"])
        assert "read" == (await introspected(stack, application, told["access_token"]))["scope"]
        assert "read" == (await refreshed(stack, application, told["refresh_token"])).json()["scope"]

    async def test_ends_with_the_password_and_with_the_membership(
        self, stack: Stack, tenant: Tenant, application: Registered, house: House, owner: Person
    ) -> None:
        address = f"leaver.{house.owner}"
        user_id = await new_member(stack, tenant, address, Role.MEMBER)
        leaver = await tokens_for(stack, application, await signed_in(stack.http, address))
        stayer = await tokens_for(stack, application, owner)

        await stack.http.delete(f"/v1/security/members/{user_id}", headers=tenant.headers)
        body = {"current": PASSWORD, "new": "nine lanterns over the quay"}
        changed = await stack.http.put(f"{ME}/password", json=body, headers=owner.headers)

        assert 200 == changed.status_code
        for told in (leaver, stayer):
            assert 401 == (await known_by(stack, told["access_token"])).status_code
            assert (400, "invalid_grant") == refusal(await refreshed(stack, application, told["refresh_token"]))
