"""Passwords are changed by who knows the one before, or by a link that works once, and are hard to guess."""

from __future__ import annotations

import pytest
from conftest import Stack, Tenant
from people import (
    ME,
    PASSWORD,
    RESETS,
    House,
    Person,
    code,
    mailed_link,
    me,
    set_password,
    signed_in,
    try_to_sign_in,
)

from adapters.temporal.codec import TenantCodec


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Where everybody here is a member."""
    return await stack.tenant(organisation="The House")


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
            await TenantCodec(stack.container.keys).decode([payload])
            for event in history.events
            for payload in event.activity_task_scheduled_event_attributes.input.payloads
        ]

        assert reset_id in str(everything)
        assert reset_id in str(decoded)
        assert secret not in str(everything) + str(decoded)
