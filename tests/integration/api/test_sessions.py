"""People are known by their session, in every process, until it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, serving, until
from people import (
    ME,
    SESSIONS,
    House,
    Person,
    code,
    me,
    signed_in,
)

from adapters.container import open_container


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Where everybody here is a member."""
    return await stack.tenant(organisation="The House")


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
