"""People sign in, are known by their session, and sign out; who guesses passwords waits alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from conftest import Stack, Tenant, serving, until
from people import (
    PASSWORD,
    RESETS,
    SESSIONS,
    Person,
    mailed_link,
    new_member,
    set_password,
    signed_in,
    try_to_sign_in,
)

from adapters.container import open_container
from domain.security.people import Role, account_hash, address_key
from domain.security.sign_in import TRIES_FROM_EVERYWHERE
from domain.security.sign_in_tries import FREE_TRIES

ME = "/v1/security/me"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class House:
    """A tenant, and an owner's address and id."""

    tenant: Tenant
    owner: str
    owner_id: str

    async def events(self, type_: str) -> list[dict[str, Any]]:
        """What is told of that owner."""
        items = (await self.tenant.get("/v1/bus/events", type=type_, limit=200))["items"]
        return [each for each in items if each["data"]["userId"] == self.owner_id]


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Where everybody here is a member."""
    return await stack.tenant(organisation="The House")


@pytest.fixture
async def house(stack: Stack, tenant: Tenant) -> House:
    """A new owner of the tenant, with a password."""
    address = f"owner{next(_numbers)}@house.example"
    return House(tenant, address, await new_member(stack, tenant, address, Role.OWNER))


@pytest.fixture
async def owner(stack: Stack, house: House) -> Person:
    """That owner, signed in."""
    return await signed_in(stack.http, house.owner)


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["error"]["code"]
    return told


async def me(http: httpx.AsyncClient, person: Person) -> httpx.Response:
    return await http.get(ME, headers=person.headers)


async def age(
    stack: Stack, session_id: str, *, created: timedelta = timedelta(), seen: timedelta = timedelta()
) -> None:
    """Let a session be older than it is."""
    async with stack.container.database.connection() as connection:
        await connection.execute(
            "UPDATE platform.security_session "
            "SET expires_at = expires_at - $2::interval, last_seen_at = last_seen_at - $3::interval "
            "WHERE id = $1",
            session_id,
            created,
            seen,
        )


class TestSession:
    async def test_says_who_somebody_is(self, stack: Stack, house: House, owner: Person) -> None:
        data = (await me(stack.http, owner)).json()["data"]

        assert ("user", owner.id, house.tenant.id, ["admin"]) == (
            data["kind"],
            data["id"],
            data["tenantId"],
            data["scopes"],
        )
        assert ("Katherine Johnson", house.owner, "owner", True) == (
            data["name"],
            data["email"],
            data["role"],
            data["hasPassword"],
        )
        assert [(house.tenant.id, "owner")] == [(each["tenantId"], each["role"]) for each in data["memberships"]]

    async def test_of_whoever_writes_the_address_another_way_is_the_same_persons(
        self, stack: Stack, house: House, owner: Person
    ) -> None:
        assert owner.id == (await signed_in(stack.http, house.owner.upper())).id

    async def test_is_audited_and_announced_as_the_persons_doing(
        self, stack: Stack, house: House, owner: Person
    ) -> None:
        records = (await house.tenant.get("/v1/security/audit-records"))["items"]
        [record] = [each for each in records if (each["action"], each["resource"]) == ("security.sign_in", owner.id)]
        events = await house.events("security.login.success")

        assert ("user", owner.id, "allowed") == (record["actorKind"], record["actorId"], record["outcome"])
        assert [(owner.session_id, True)] == [
            (each["data"]["sessionId"], each["data"]["isNewDevice"]) for each in events
        ]
        assert owner.token not in str(records) + str(events)

    async def test_ends_at_once_when_its_holder_signs_out(self, stack: Stack, owner: Person) -> None:
        out = await stack.http.post(f"{SESSIONS}/{owner.session_id}/revoke", headers=owner.headers)
        after = await me(stack.http, owner)

        assert ("signed_out", False) == (out.json()["data"]["endReason"], out.json()["data"]["active"])
        assert 401 == after.status_code
        assert "Bearer" in after.headers["WWW-Authenticate"]

    async def test_revoked_elsewhere_is_refused_by_every_process(
        self, stack: Stack, house: House, owner: Person
    ) -> None:
        async with (
            open_container(stack.settings, process="another") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url) as elsewhere,
        ):

            async def heard() -> bool:
                return container.revocations.is_heard

            await until(heard, what="the other process to listen")
            assert 200 == (await me(elsewhere, owner)).status_code
            await stack.http.post(f"{SESSIONS}/{owner.session_id}/revoke", headers=house.tenant.headers)

            async def refused() -> bool:
                return (await me(elsewhere, owner)).status_code == 401

            await until(refused, seconds=0.9, what="the other process to refuse")

    async def test_ends_when_it_is_not_used(self, stack: Stack, owner: Person) -> None:
        await age(stack, owner.session_id, seen=timedelta(minutes=stack.settings.session_idle_minutes))

        assert 401 == (await _after_a_second(stack, owner)).status_code

    async def test_ends_however_busy_it_is(self, stack: Stack, owner: Person) -> None:
        await age(stack, owner.session_id, created=timedelta(hours=stack.settings.session_hours))

        assert 401 == (await _after_a_second(stack, owner)).status_code

    async def test_is_seen_to_be_used(self, stack: Stack, owner: Person) -> None:
        await age(stack, owner.session_id, seen=timedelta(minutes=5))

        async def seen_again() -> bool:
            session = await _own(stack, owner)
            return bool(session["lastSeenAt"] >= session["createdAt"])

        await until(seen_again, seconds=3, what="the session to be seen")

    async def test_in_one_tenant_opens_no_other(self, neighbour: Tenant, stack: Stack, owner: Person) -> None:
        answer = await stack.http.get(f"/v1/security/tenants/{neighbour.id}", headers=owner.headers)

        assert 404 == answer.status_code

    async def test_token_with_another_secret_is_nobodys(self, stack: Stack, house: House, owner: Person) -> None:
        other = await signed_in(stack.http, house.owner)
        swapped = owner.token.rsplit("_", 1)[0] + "_" + other.token.split("_", 2)[2]
        answer = await stack.http.get(ME, headers={"Authorization": f"Bearer {swapped}"})

        assert 401 == answer.status_code

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
    async def test_scheme_may_be_written_either_way(self, stack: Stack, owner: Person, scheme: str) -> None:
        answer = await stack.http.get(ME, headers={"Authorization": f"{scheme} {owner.token}"})

        assert 200 == answer.status_code

    async def test_list_shows_all_of_ones_own_and_which_one_this_is(
        self, stack: Stack, house: House, owner: Person
    ) -> None:
        other = await signed_in(stack.http, house.owner)
        mine = (await stack.http.get(f"{SESSIONS}/mine", headers=owner.headers)).json()["data"]
        ended = (await stack.http.post(f"{SESSIONS}/mine/revoke-others", headers=owner.headers)).json()["data"]

        assert [(other.session_id, False), (owner.session_id, True)] == [(each["id"], each["current"]) for each in mine]
        assert [other.session_id] == ended["ids"]
        assert [401, 200] == [(await me(stack.http, each)).status_code for each in (other, owner)]

    async def test_list_is_for_people(self, house: House) -> None:
        answer = await house.tenant.http.get(f"{SESSIONS}/mine", headers=house.tenant.headers)

        assert (403, "security.people_only") == (answer.status_code, code(answer))


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
        seen = (await house.tenant.get(SESSIONS, user_id=house.owner_id))["items"]

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


class TestPassword:
    async def test_is_changed_with_the_one_before_and_ends_other_sessions(
        self, stack: Stack, house: House, owner: Person
    ) -> None:
        other = await signed_in(stack.http, house.owner)
        body = {"current": PASSWORD, "new": "nine lanterns over the quay"}
        changed = await stack.http.put(f"{ME}/password", json=body, headers=owner.headers)

        assert (200, [other.session_id]) == (changed.status_code, changed.json()["data"]["ids"])
        assert [401, 200] == [(await me(stack.http, each)).status_code for each in (other, owner)]
        assert 401 == (await try_to_sign_in(stack.http, house.owner)).status_code

    async def test_is_not_changed_without_the_one_before(self, stack: Stack, owner: Person) -> None:
        body = {"current": "not the password", "new": "nine lanterns over the quay"}
        answer = await stack.http.put(f"{ME}/password", json=body, headers=owner.headers)

        assert (403, "security.password_wrong") == (answer.status_code, code(answer))

    @pytest.mark.parametrize(
        "weak",
        ["short", "password1234", "aaaaaaaaaaaaaaaaa", "Katherine Johnson", "harborgrid2026", "qwertyuiop123"],
    )
    async def test_that_is_easy_to_guess_is_refused_with_advice(self, stack: Stack, owner: Person, weak: str) -> None:
        body = {"current": PASSWORD, "new": weak}
        answer = await stack.http.put(f"{ME}/password", json=body, headers=owner.headers)

        assert (422, "security.password_too_weak") == (answer.status_code, code(answer))
        assert answer.json()["error"]["details"]["suggestions"]


class TestPasswordLink:
    async def test_works_once(self, stack: Stack, house: House) -> None:
        used = await set_password(stack, house.owner)
        again = await stack.http.post(
            f"{RESETS}/redeem", json={"token": used, "password": "nine lanterns over the quay"}
        )

        assert (422, "security.link_invalid") == (again.status_code, code(again))

    async def test_of_ones_own_making_is_refused(self, stack: Stack, house: House) -> None:
        used = await set_password(stack, house.owner)
        forged = used[:-3] + "AAA"
        answer = await stack.http.post(f"{RESETS}/redeem", json={"token": forged, "password": PASSWORD})

        assert (422, "security.link_invalid") == (answer.status_code, code(answer))

    async def test_does_not_work_after_its_time(self, stack: Stack, house: House) -> None:
        await stack.http.post(RESETS, json={"email": house.owner})
        token = await mailed_link(stack, house.owner, "pwr")
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_password_reset SET expires_at = now() WHERE id = $1", token.split(".")[0]
            )
        answer = await stack.http.post(f"{RESETS}/redeem", json={"token": token, "password": PASSWORD})

        assert 422 == answer.status_code

    async def test_request_tells_nobody_who_has_an_account(self, stack: Stack, house: House) -> None:
        known = await stack.http.post(RESETS, json={"email": house.owner})
        unknown = await stack.http.post(RESETS, json={"email": "nobody@nowhere.example"})

        assert 202 == known.status_code == unknown.status_code
        assert known.json()["data"] == unknown.json()["data"]

    async def test_is_not_sent_without_end(self, stack: Stack, house: House) -> None:
        for _ in range(8):
            await stack.http.post(RESETS, json={"email": house.owner})

        assert 5 == len(await house.events("security.password.reset_requested"))

    async def test_requests_by_strangers_keep_nobodys_mail_back(self, stack: Stack, house: House) -> None:
        for _ in range(8):
            await stack.http.post(RESETS, json={"email": house.owner})
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_password_reset SET created_at = created_at - interval '61 minutes' "
                "WHERE user_id = $1",
                house.owner_id,
            )
        await stack.http.post(RESETS, json={"email": house.owner})

        assert 6 == len(await house.events("security.password.reset_requested"))

    async def test_secret_is_in_the_mail_alone(self, stack: Stack, house: House) -> None:
        used = await set_password(stack, house.owner)
        reset_id, secret = used.split(".")
        everything = [
            await house.tenant.get("/v1/bus/events", limit=200),
            await house.tenant.get("/v1/security/audit-records", limit=200),
        ]
        handle = stack.container.temporal.get_workflow_handle(f"{house.tenant.id}/security/password_reset/{reset_id}")
        history = await handle.fetch_history()
        decoded = [
            await stack.container.temporal.data_converter.payload_codec.decode([payload])  # type: ignore[union-attr]
            for event in history.events
            for payload in event.activity_task_scheduled_event_attributes.input.payloads
        ]

        assert reset_id in str(everything)
        assert reset_id in str(decoded)
        assert secret not in str(everything) + str(decoded)


async def _after_a_second(stack: Stack, person: Person) -> httpx.Response:
    """The answer once what was remembered of the session has to be looked up again."""

    async def refused() -> httpx.Response | None:
        answer = await me(stack.http, person)
        return answer if answer.status_code != 200 else None

    answer: httpx.Response = await until(refused, seconds=3, what="the session to end")
    return answer


async def _own(stack: Stack, person: Person) -> dict[str, Any]:
    mine = (await stack.http.get(f"{SESSIONS}/mine", headers=person.headers)).json()["data"]
    found: dict[str, Any] = next(each for each in mine if each["id"] == person.session_id)
    return found


async def _guessed_from_everywhere(stack: Stack, address: str) -> None:
    account = account_hash(stack.container.accounts_key, address_key(address))
    async with stack.container.database.connection() as connection:
        await connection.execute(
            "INSERT INTO platform.security_sign_in_try SELECT $1, '198.51.' || n || '.0/24', 1, now(), now() "
            "FROM generate_series(1, $2) AS n",
            account,
            TRIES_FROM_EVERYWHERE,
        )
