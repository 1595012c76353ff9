"""Who guesses passwords waits alone, and learns nothing; whoever knows theirs comes in."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest
from argon2 import PasswordHasher
from conftest import Stack, Tenant, serving
from people import (
    ME,
    PASSWORD,
    RESETS,
    SESSIONS,
    House,
    Person,
    code,
    mailed_link,
    me,
    set_password,
    signed_in,
    try_to_sign_in,
)

from adapters.container import open_container
from domain.security.people import account_hash, address_key
from domain.security.sign_in import TRIES_FROM_EVERYWHERE
from domain.security.sign_in_tries import FREE_TRIES


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Where everybody here is a member."""
    return await stack.tenant(organisation="The House")


class TestSignIn:
    async def test_says_the_same_whether_the_address_or_the_password_is_wrong(self, stack: Stack, house: House) -> None:
        wrong = await try_to_sign_in(stack.http, house.owner, "not the password")
        unknown = await try_to_sign_in(stack.http, "nobody@nowhere.example", "not the password")

        assert (401, "security.sign_in_refused") == (wrong.status_code, code(wrong))
        assert wrong.json()["error"] == unknown.json()["error"]

    async def test_that_fails_is_told_to_the_tenant_without_the_address(self, stack: Stack, house: House) -> None:
        await try_to_sign_in(stack.http, house.owner, "not the password")
        [event] = await house.events("security.login.failure")

        assert ("wrong_credential", 1) == (event["data"]["refusal"], event["data"]["failuresInARow"])
        assert house.owner not in str(event)

    async def test_waits_after_five_failures_even_with_the_right_password(self, stack: Stack, house: House) -> None:
        failed = [await try_to_sign_in(stack.http, house.owner, f"guess {number}") for number in range(FREE_TRIES)]
        waits = await try_to_sign_in(stack.http, house.owner)

        assert {401} == {each.status_code for each in failed}
        assert (429, "security.too_many_tries") == (waits.status_code, code(waits))
        assert 25 <= int(waits.headers["Retry-After"]) <= 31

    async def test_tries_at_the_same_time_are_counted_before_any_is_looked_at(self, stack: Stack, house: House) -> None:
        answers = await asyncio.gather(
            *(try_to_sign_in(stack.http, house.owner, f"guess {number}") for number in range(20))
        )

        assert {401: FREE_TRIES, 429: 20 - FREE_TRIES} == Counter(each.status_code for each in answers)

    async def test_from_elsewhere_cannot_lock_the_owner_out(self, stack: Stack, house: House, owner: Person) -> None:
        """However many guess from wherever: a network the owner has signed in from before stays open."""
        await _guessed_from_everywhere(stack, house.owner)

        assert 201 == (await try_to_sign_in(stack.http, house.owner)).status_code

    async def test_from_a_new_network_waits_while_the_account_is_guessed_from_everywhere(
        self, stack: Stack, house: House
    ) -> None:
        await _guessed_from_everywhere(stack, house.owner)
        waits = await try_to_sign_in(stack.http, house.owner)
        await set_password(stack, house.owner, "nine lanterns over the quay")

        assert 429 == waits.status_code
        assert 201 == (await try_to_sign_in(stack.http, house.owner, "nine lanterns over the quay")).status_code

    async def test_that_succeeds_forgets_the_failures_before(self, stack: Stack, house: House) -> None:
        for _ in range(2):
            for number in range(FREE_TRIES - 1):
                await try_to_sign_in(stack.http, house.owner, f"guess {number}")
            assert 201 == (await try_to_sign_in(stack.http, house.owner)).status_code

    async def test_renews_a_hash_made_with_less_effort(self, stack: Stack, house: House) -> None:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        async with stack.container.database.connection() as connection:
            update = (
                "UPDATE platform.security_password SET hash = $2 FROM platform.security_user AS person "
                "WHERE person.id = user_id AND person.email = $1"
            )
            await connection.execute(update, house.owner, cheap)
            await signed_in(stack.http, house.owner)
            stored = await connection.fetchval(
                "SELECT hash FROM platform.security_password JOIN platform.security_user AS person "
                "ON person.id = user_id WHERE person.email = $1",
                house.owner,
            )

        assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert 201 == (await try_to_sign_in(stack.http, house.owner)).status_code

    async def test_of_a_member_of_two_tenants_names_one(self, stack: Stack, house: House) -> None:
        second = await stack.tenant(ownerEmail=house.owner, organisation="The Second")
        unnamed = await try_to_sign_in(stack.http, house.owner)
        person = await signed_in(stack.http, house.owner, tenantId=second.id)

        assert (409, "security.several_tenants") == (unnamed.status_code, code(unnamed))
        assert {house.tenant.id, second.id} == {each["id"] for each in unnamed.json()["error"]["details"]["tenants"]}
        assert second.id == (await me(stack.http, person)).json()["data"]["tenantId"]

    async def test_to_a_tenant_one_is_no_member_of_is_refused(
        self, stack: Stack, house: House, neighbour: Tenant
    ) -> None:
        answer = await try_to_sign_in(stack.http, house.owner, tenantId=neighbour.id)

        assert (403, "security.not_a_member") == (answer.status_code, code(answer))


class TestAddress:
    async def test_of_the_caller_is_what_the_proxy_says_last(self, stack: Stack, house: House) -> None:
        settings = stack.settings.model_copy(update={"client_address_header": "X-Forwarded-For"})
        async with (
            open_container(settings, process="behind") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url) as behind,
        ):
            for told in ("198.51.100.7, 203.0.113.9", "[2001:db8::1]:443", "203.0.113.9:5678", "nonsense", ""):
                body = {"email": house.owner, "password": PASSWORD}
                answer = await behind.post(SESSIONS, json=body, headers={"X-Forwarded-For": told})
                assert 201 == answer.status_code, answer.text
        seen = (await house.tenant.get(SESSIONS, userId=house.owner_id))["items"]

        assert ["127.0.0.0/24"] * 2 + ["203.0.113.0/24", "2001:db8::/48", "203.0.113.0/24"] == [
            each["clientNetwork"] for each in seen
        ]


class TestRace:
    async def test_between_an_old_password_and_a_new_one_leaves_no_session_behind(
        self, stack: Stack, house: House
    ) -> None:
        """Sign-ins that looked at the old password just before it was replaced must not outlive it."""
        token = await set_password(stack, house.owner)
        await stack.http.post(RESETS, json={"email": house.owner})
        link = await mailed_link(stack, house.owner, "pwr", seen=(token,))
        body = {"token": link, "password": "nine lanterns over the quay"}
        *signed, redeemed = await asyncio.gather(
            *(try_to_sign_in(stack.http, house.owner) for _ in range(4)),
            stack.http.post(f"{RESETS}/redeem", json=body),
        )
        tokens = [each.json()["data"]["token"] for each in signed if each.status_code == 201]
        after = [await stack.http.get(ME, headers={"Authorization": f"Bearer {each}"}) for each in tokens]

        assert 200 == redeemed.status_code
        assert [401] * len(tokens) == [each.status_code for each in after]


async def _guessed_from_everywhere(stack: Stack, address: str) -> None:
    account = account_hash(stack.container.accounts_key, address_key(address))
    async with stack.container.database.connection() as connection:
        await connection.execute(
            "INSERT INTO platform.security_sign_in_try SELECT $1, '198.51.' || n || '.0/24', 1, now(), now() "
            "FROM generate_series(1, $2) AS n",
            account,
            TRIES_FROM_EVERYWHERE,
        )
