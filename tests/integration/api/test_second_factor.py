"""A second factor is set up, demanded, proved again for what a policy guards, and got rid of."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant
from people import PASSWORD, SESSIONS, Person, new_member, signed_in, try_to_sign_in

from adapters.kernel.clock import utc_now
from domain.security.people import Role
from domain.security.sign_in_tries import FREE_TRIES
from domain.security.totp import code_at, step_at

FACTOR, STEP_UP = "/v1/security/second-factor", f"{SESSIONS}/mine/step-up"
NO_PROOF = """
forbid (principal is HarborGrid::User, action == HarborGrid::Action::"security.create_api_key", resource)
unless { principal.mfa && context has provedMinutesAgo && context.provedMinutesAgo < 15 };
"""
_numbers = count(1)


@dataclass
class Phone:
    """An authenticator app that never shows a code twice."""

    secret: bytes
    last: int = 0

    def code(self) -> str:
        """The next code that is valid now, and for the second that the request may take."""
        self.last = max(self.last + 1, step_at(utc_now() + timedelta(seconds=1)) - 1)
        assert self.last <= step_at(utc_now()) + 1, "the test asks for more codes than there are"
        return code_at(self.secret, self.last)


@dataclass
class Careful:
    """Somebody with a second factor, signed in before it was set up."""

    address: str
    person: Person
    phone: Phone
    codes: list[str]


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Where everybody here is a member."""
    return await stack.tenant(organisation="The Careful")


@pytest.fixture
async def plain(stack: Stack, tenant: Tenant) -> tuple[str, Person]:
    """Somebody without a second factor: address and session."""
    address = f"careful{next(_numbers)}@careful.example"
    await new_member(stack, tenant, address, Role.ADMIN)
    return address, await signed_in(stack.http, address)


@pytest.fixture
async def careful(stack: Stack, plain: tuple[str, Person]) -> Careful:
    """Somebody with one."""
    address, person = plain
    begun = await ask(stack, person, "", password=PASSWORD)
    phone = Phone(base64.b32decode(begun.json()["data"]["secret"]))
    confirmed = await ask(stack, person, "/confirm", code=phone.code())
    assert confirmed.status_code == 200, confirmed.text
    return Careful(address, person, phone, confirmed.json()["data"]["codes"])


async def ask(stack: Stack, person: Person, path: str, **body: Any) -> httpx.Response:
    return await stack.http.post(f"{FACTOR}{path}", json=body, headers=person.headers)


async def status(stack: Stack, person: Person) -> Any:
    return (await stack.http.get(FACTOR, headers=person.headers)).json()["data"]


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["error"]["code"]
    return told


class TestSecondFactor:
    async def test_is_demanded_once_it_is_confirmed(self, stack: Stack, careful: Careful) -> None:
        without = await try_to_sign_in(stack.http, careful.address)
        person = await signed_in(stack.http, careful.address, code=careful.phone.code())
        me = (await stack.http.get("/v1/security/me", headers=person.headers)).json()["data"]

        assert (401, "security.second_factor_required") == (without.status_code, code(without))
        assert me["mfa"] is True
        assert {"enabled": True, "recoveryCodesLeft": 10} == await status(stack, person)

    async def test_that_is_not_confirmed_is_not_demanded(self, stack: Stack, plain: tuple[str, Person]) -> None:
        await ask(stack, plain[1], "", password=PASSWORD)

        assert 201 == (await try_to_sign_in(stack.http, plain[0])).status_code
        assert {"enabled": False, "recoveryCodesLeft": 0} == await status(stack, plain[1])

    async def test_is_kept_encrypted(self, stack: Stack, careful: Careful) -> None:
        async with stack.container.database.connection() as connection:
            sealed = await connection.fetchval(
                "SELECT sealed FROM platform.security_totp WHERE user_id = $1", careful.person.id
            )

        assert careful.phone.secret not in sealed

    async def test_is_set_up_by_who_knows_the_password(self, stack: Stack, plain: tuple[str, Person]) -> None:
        answer = await ask(stack, plain[1], "", password="not the password")

        assert (403, "security.password_wrong") == (answer.status_code, code(answer))

    async def test_is_confirmed_with_its_own_code(self, stack: Stack, plain: tuple[str, Person]) -> None:
        before = await ask(stack, plain[1], "/confirm", code="123456")
        await ask(stack, plain[1], "", password=PASSWORD)
        wrong = await ask(stack, plain[1], "/confirm", code="12345678")

        assert ("security.second_factor_missing", "security.code_wrong") == (code(before), code(wrong))

    async def test_is_not_begun_twice(self, stack: Stack, careful: Careful) -> None:
        answer = await ask(stack, careful.person, "", password=PASSWORD)

        assert (409, "security.second_factor_exists") == (answer.status_code, code(answer))

    async def test_code_works_once_however_many_try_at_the_same_time(self, stack: Stack, careful: Careful) -> None:
        shown = careful.phone.code()
        answers = await asyncio.gather(
            *(try_to_sign_in(stack.http, careful.address, code=shown) for _ in range(FREE_TRIES - 1))
        )

        assert {201: 1, 401: FREE_TRIES - 2} == Counter(each.status_code for each in answers)

    async def test_codes_cannot_be_guessed_without_end_by_who_has_the_password(
        self, stack: Stack, careful: Careful
    ) -> None:
        answers = []
        for _ in range(FREE_TRIES):
            # A sign-in without a code takes nothing back.
            answers.append(await try_to_sign_in(stack.http, careful.address, code="12345678"))
            answers.append(await try_to_sign_in(stack.http, careful.address))

        assert 429 == answers[-1].status_code
        assert FREE_TRIES == Counter(each.status_code for each in answers)[401]

    async def test_guesses_are_not_forgotten_for_a_right_password(self, stack: Stack, careful: Careful) -> None:
        """Whatever takes the password alone must not give more tries at the code."""
        new = {"current": PASSWORD, "new": "nine lanterns over the quay"}
        for _ in range(FREE_TRIES):
            await ask(stack, careful.person, "/remove", password=PASSWORD, code="12345678")
            without = await stack.http.put("/v1/security/me/password", json=new, headers=careful.person.headers)
            again = await ask(stack, careful.person, "", password=PASSWORD)

        assert (429, 409) == (without.status_code, again.status_code)

    async def test_code_is_not_used_up_by_a_sign_in_that_is_refused(
        self, stack: Stack, neighbour: Tenant, careful: Careful
    ) -> None:
        refused = await try_to_sign_in(stack.http, careful.address, code=careful.codes[0], tenantId=neighbour.id)
        opened = await try_to_sign_in(stack.http, careful.address, code=careful.codes[0])

        assert (403, 201) == (refused.status_code, opened.status_code)

    async def test_code_may_be_typed_as_the_app_shows_it(self, stack: Stack, careful: Careful) -> None:
        shown = careful.phone.code()
        answer = await try_to_sign_in(stack.http, careful.address, code=f"{shown[:3]} {shown[3:]}")

        assert 201 == answer.status_code

    async def test_ends_other_sessions_when_it_is_removed_and_this_one_is_no_longer_proved_by_it(
        self, stack: Stack, careful: Careful
    ) -> None:
        proved = await signed_in(stack.http, careful.address, code=careful.codes[0])
        await ask(stack, proved, "/remove", password=PASSWORD, code=careful.codes[1])
        here = await stack.http.get("/v1/security/me", headers=proved.headers)
        elsewhere = await stack.http.get("/v1/security/me", headers=careful.person.headers)

        assert (False, 401) == (here.json()["data"]["mfa"], elsewhere.status_code)

    async def test_that_was_begun_long_ago_is_not_confirmed(self, stack: Stack, plain: tuple[str, Person]) -> None:
        begun = await ask(stack, plain[1], "", password=PASSWORD)
        phone = Phone(base64.b32decode(begun.json()["data"]["secret"]))
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_totp SET created_at = now() - interval '16 minutes' WHERE user_id = $1",
                plain[1].id,
            )
        answer = await ask(stack, plain[1], "/confirm", code=phone.code())

        assert (409, "security.second_factor_missing") == (answer.status_code, code(answer))

    async def test_recovery_code_works_once_in_its_place(self, stack: Stack, careful: Careful) -> None:
        spoken = careful.codes[0].replace("-", " ").lower()
        first = await try_to_sign_in(stack.http, careful.address, code=spoken)
        again = await try_to_sign_in(stack.http, careful.address, code=careful.codes[0])

        assert (201, 401) == (first.status_code, again.status_code)
        assert 9 == (await status(stack, careful.person))["recoveryCodesLeft"]

    async def test_recovery_codes_are_renewed_all_at_once(self, stack: Stack, careful: Careful) -> None:
        renewed = await ask(stack, careful.person, "/recovery-codes", password=PASSWORD, code=careful.phone.code())
        fresh = renewed.json()["data"]["codes"]
        old = await try_to_sign_in(stack.http, careful.address, code=careful.codes[0])
        new = await try_to_sign_in(stack.http, careful.address, code=fresh[0])

        assert 10 == len({*fresh} - {*careful.codes})
        assert (401, 201) == (old.status_code, new.status_code)

    async def test_is_removed_with_password_and_code(self, stack: Stack, careful: Careful) -> None:
        wrong = await ask(stack, careful.person, "/remove", password=PASSWORD, code="12345678")
        gone = await ask(stack, careful.person, "/remove", password=PASSWORD, code=careful.codes[3])

        assert (401, 200) == (wrong.status_code, gone.status_code)
        assert 201 == (await try_to_sign_in(stack.http, careful.address)).status_code

    async def test_is_reset_by_the_operator_alone(self, stack: Stack, tenant: Tenant, careful: Careful) -> None:
        path = f"{FACTOR}/{careful.person.id}/reset"
        by_admin = await stack.http.post(path, headers=tenant.headers)
        by_operator = await stack.http.post(path, headers=stack.operator)

        assert (403, 200) == (by_admin.status_code, by_operator.status_code)
        assert 201 == (await try_to_sign_in(stack.http, careful.address)).status_code

    async def test_is_told_without_its_secrets(self, stack: Stack, tenant: Tenant, careful: Careful) -> None:
        events = (await tenant.get("/v1/bus/events", type="security.second_factor.changed", limit=200))["items"]
        records = (await tenant.get("/v1/security/audit-records", limit=200))["items"]
        told = str(events) + str(records)

        assert ["enabled"] == [e["data"]["change"] for e in events if e["data"]["userId"] == careful.person.id]
        assert base64.b32encode(careful.phone.secret).decode() not in told
        assert careful.codes[0] not in told


class TestStepUp:
    async def test_is_asked_for_where_a_policy_wants_a_fresh_proof(self, stack: Stack) -> None:
        guarded = await stack.tenant(organisation="The Guarded")
        address = "guard@guarded.example"
        await new_member(stack, guarded, address, Role.ADMIN)
        person = await signed_in(stack.http, address)
        begun = await ask(stack, person, "", password=PASSWORD)
        phone = Phone(base64.b32decode(begun.json()["data"]["secret"]))
        codes = (await ask(stack, person, "/confirm", code=phone.code())).json()["data"]["codes"]
        policy = {"name": "prove it", "text": NO_PROOF}
        made = await guarded.http.post("/v1/security/policies", json=policy, headers=guarded.headers)

        async def make_key() -> httpx.Response:
            return await stack.http.post("/v1/security/api-keys", json={"label": "mine"}, headers=person.headers)

        before = await make_key()
        without = await stack.http.post(STEP_UP, json={"password": PASSWORD}, headers=person.headers)
        body = {"password": PASSWORD, "code": codes[0]}
        stepped = await stack.http.post(STEP_UP, json=body, headers=person.headers)
        after = await make_key()

        assert (201, 401, "security.step_up_required") == (made.status_code, before.status_code, code(before))
        assert 'error="insufficient_user_authentication"' in before.headers["WWW-Authenticate"]
        assert "security.second_factor_required" == code(without)
        assert ["password", "recovery_code"] == stepped.json()["data"]["factors"]
        assert 201 == after.status_code
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_session SET proved_at = now() - interval '16 minutes' WHERE id = $1",
                person.session_id,
            )
        assert (401, "security.step_up_required") == ((late := await make_key()).status_code, code(late))

    async def test_is_not_asked_for_where_it_would_not_help(self, stack: Stack, tenant: Tenant) -> None:
        address = f"careful{next(_numbers)}@careful.example"
        await new_member(stack, tenant, address, Role.VIEWER)
        person = await signed_in(stack.http, address)
        answer = await stack.http.post("/v1/security/api-keys", json={"label": "mine"}, headers=person.headers)

        assert (403, "security.scope_missing") == (answer.status_code, code(answer))
