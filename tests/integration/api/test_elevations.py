"""People are more than they are for a while, with somebody's approval or behind broken glass, and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until
from people import Person, new_member, signed_in

from adapters.kernel.clock import new_id, utc_now
from domain.kernel.ids import TenantId, UserId
from domain.security.elevations import Wish, decide, request
from domain.security.ids import ElevationId
from domain.security.people import Role
from domain.security.ports import SecurityUnitOfWork
from workflows.security.elevation import workflow_id

ELEVATIONS, CHOSEN = "/v1/security/elevations", "/v1/security/break-glass-members"
SESSIONS = "/v1/security/sessions"
_numbers = count(1)


@dataclass(frozen=True)
class Crew:
    """A tenant with a member, an admin and an owner who are signed in."""

    tenant: Tenant
    member: Person
    admin: Person
    owner: Person
    addresses: dict[str, str]


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Watch")


@pytest.fixture
async def crew(stack: Stack, tenant: Tenant) -> Crew:
    number, people = next(_numbers), {}
    addresses: dict[str, str] = {}
    for role in (Role.MEMBER, Role.ADMIN, Role.OWNER):
        addresses[role] = f"{role}{number}@watch.example"
        await new_member(stack, tenant, addresses[role], role, name=f"{role.title()} {number}")
        people[role] = await signed_in(stack.http, addresses[role])
    return Crew(tenant, people[Role.MEMBER], people[Role.ADMIN], people[Role.OWNER], addresses)


async def post(stack: Stack, person: Person, path: str = "", **body: Any) -> httpx.Response:
    return await stack.http.post(f"{ELEVATIONS}{path}", json=body, headers=person.headers)


async def asked(stack: Stack, person: Person, **changes: Any) -> str:
    """An elevation that waits for a decision; its id."""
    answer = await post(stack, person, **{"role": "admin", "reason": "the import has to be undone", **changes})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["data"]["id"]
    return found


async def me(stack: Stack, person: Person) -> dict[str, Any]:
    told: dict[str, Any] = (await stack.http.get("/v1/security/me", headers=person.headers)).json()["data"]
    return told


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def prove_two_factors(stack: Stack, person: Person, *, ago: timedelta = timedelta()) -> None:
    """As a sign-in with an authenticator app so long ago would have."""
    async with stack.container.database.connection() as connection:
        await connection.execute(
            "UPDATE platform.security_session SET factors = '{password,totp}', proved_at = now() - $2::interval "
            "WHERE id = $1",
            person.session_id,
            ago,
        )


async def progress(stack: Stack, crew: Crew, elevation: str) -> dict[str, Any]:
    answer = await stack.http.get(f"{ELEVATIONS}/{elevation}/progress", headers=crew.admin.headers)
    told: dict[str, Any] = answer.json()["data"]
    return told


async def mails(stack: Stack, address: str) -> list[str]:
    """Subjects of what came for somebody."""
    return [mail["subject"] for mail in stack.mailbox.mails() if address in mail["to"]]


class TestElevation:
    async def test_that_is_approved_holds_from_the_next_request_until_it_is_ended(
        self, stack: Stack, crew: Crew
    ) -> None:
        before = await stack.http.get(SESSIONS, headers=crew.member.headers)
        elevation = await asked(stack, crew.member)

        approved = await post(stack, crew.admin, f"/{elevation}/approve")
        during, who = await stack.http.get(SESSIONS, headers=crew.member.headers), await me(stack, crew.member)
        ended = await post(stack, crew.member, f"/{elevation}/end")
        after = await stack.http.get(SESSIONS, headers=crew.member.headers)

        assert [200, 200] == [approved.status_code, ended.status_code]
        assert [403, 200, 403] == [answer.status_code for answer in (before, during, after)]
        assert ("admin", "member", ["admin"]) == (who["role"], who["elevatedFrom"], who["scopes"])

    async def test_ends_by_its_time_though_nobody_does_anything(self, stack: Stack, crew: Crew) -> None:
        elevation = await asked(stack, crew.member)
        await post(stack, crew.admin, f"/{elevation}/approve")
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_elevation SET expires_at = now() WHERE id = $1", elevation
            )

        assert 403 == (await stack.http.get(SESSIONS, headers=crew.member.headers)).status_code
        listed = (await stack.http.get(f"{ELEVATIONS}/mine", headers=crew.member.headers)).json()["data"]
        assert [elevation] == [each["id"] for each in listed]

    async def test_is_closed_by_its_process_at_its_time(self, stack: Stack, crew: Crew) -> None:
        tenant, now = TenantId(crew.tenant.id), utc_now()
        elevation = new_id(ElevationId)
        wish = Wish(tenant, UserId(crew.member.id), Role.ADMIN, "in a hurry", timedelta())
        await stack.container.security(tenant, lambda uow: request(uow, wish, id=elevation, now=now))

        async def approved(uow: SecurityUnitOfWork) -> object:
            return await decide(uow, tenant, elevation, approved=True, by=UserId(crew.owner.id), now=utc_now())

        await stack.container.security(tenant, approved)
        handle = stack.container.temporal.get_workflow_handle(workflow_id(tenant, elevation))

        async def started() -> bool:
            items = (await crew.tenant.get("/v1/bus/events", type="security.elevation.closed"))["items"]
            return any(each["data"]["elevationId"] == elevation for each in items)

        await until(started, what="the end")
        assert "ended" == (await handle.result())["status"]
        records = (await crew.tenant.get("/v1/security/audit-records", limit=100))["items"]
        done = [each["action"] for each in records if each["resource"] == elevation]
        assert ["end_elevation", "approve_elevation", "request_elevation"] == [each.partition(".")[2] for each in done]

    async def test_gives_nothing_that_outlasts_it(self, stack: Stack, crew: Crew) -> None:
        elevation = await asked(stack, crew.member)
        await post(stack, crew.admin, f"/{elevation}/approve")
        headers = crew.member.headers
        other = await asked(stack, await self.another(stack, crew))

        answers = [
            await stack.http.post(
                "/v1/security/api-keys", json={"label": "mine", "scopes": ["admin"]}, headers=headers
            ),
            await stack.http.post("/v1/security/invitations", json={"email": "a@b.example"}, headers=headers),
            await stack.http.post("/v1/security/service-accounts", json={"name": "mine"}, headers=headers),
            await stack.http.patch(f"/v1/security/members/{crew.member.id}", json={"role": "admin"}, headers=headers),
            await post(stack, crew.member, f"/{other}/approve"),
        ]

        assert [(403, "security.scope_missing")] * 5 == [code(answer) for answer in answers]

    async def another(self, stack: Stack, crew: Crew) -> Person:
        address = f"another{next(_numbers)}@watch.example"
        await new_member(stack, crew.tenant, address, Role.VIEWER)
        return await signed_in(stack.http, address)

    async def test_is_approved_by_somebody_else_who_is_that_themselves(self, stack: Stack, crew: Crew) -> None:
        own, high = await asked(stack, crew.admin, role="owner"), await asked(stack, crew.member, role="owner")

        answers = [
            await post(stack, crew.admin, f"/{own}/approve"),
            await post(stack, crew.admin, f"/{high}/approve"),
            await post(stack, crew.member, f"/{own}/approve"),
            await stack.http.post(f"{ELEVATIONS}/{high}/approve", headers=crew.tenant.headers),
        ]

        assert [
            (403, "security.not_your_own_elevation"),
            (403, "security.role_above_yours"),
            (403, "security.scope_missing"),
            (403, "security.people_only"),
        ] == [code(answer) for answer in answers]

    async def test_that_is_denied_gives_nothing_and_tells_who_could_decide(self, stack: Stack, crew: Crew) -> None:
        elevation = await asked(stack, crew.member)

        async def told() -> bool:
            came = [await mails(stack, crew.addresses[role]) for role in (Role.ADMIN, Role.OWNER)]
            return all(any("asks to be admin" in subject for subject in subjects) for subjects in came)

        await until(told, what="mails to admin and owner")

        async def waits() -> bool:
            told = await progress(stack, crew, elevation)
            return bool(told["next"] == "it expires unless it is decided")

        await until(waits, what="the process to wait")
        denied = await post(stack, crew.owner, f"/{elevation}/deny")
        late = await post(stack, crew.admin, f"/{elevation}/approve")

        assert "denied" == denied.json()["data"]["status"]
        assert (409, "security.elevation_not_open") == code(late)
        assert "member" == (await me(stack, crew.member))["role"]
        assert [] == [each for each in await mails(stack, crew.addresses[Role.MEMBER]) if "asks" in each]

    async def test_is_one_at_a_time_and_of_use(self, stack: Stack, crew: Crew) -> None:
        await asked(stack, crew.member)

        again = await post(stack, crew.member, role="owner", reason="more")
        lower = await post(stack, crew.admin, role="member", reason="less")

        assert [(409, "security.elevation_pointless")] * 2 == [code(again), code(lower)]

    async def test_ends_with_the_membership(self, stack: Stack, crew: Crew) -> None:
        elevation = await asked(stack, crew.member)
        await post(stack, crew.admin, f"/{elevation}/approve")

        await stack.http.delete(f"/v1/security/members/{crew.member.id}", headers=crew.owner.headers)
        items = (await crew.tenant.get(ELEVATIONS, userId=crew.member.id))["items"]

        assert ["ended"] == [each["status"] for each in items]


class TestBrokenGlass:
    async def choose(self, stack: Stack, crew: Crew) -> httpx.Response:
        return await stack.http.put(f"{CHOSEN}/{crew.member.id}", headers=crew.owner.headers)

    async def smash(self, stack: Stack, person: Person) -> httpx.Response:
        return await post(stack, person, "/break-glass", role="owner", reason="nobody can sign in")

    async def test_opens_at_once_tells_the_owners_and_is_reviewed_by_one(self, stack: Stack, crew: Crew) -> None:
        await self.choose(stack, crew)
        await prove_two_factors(stack, crew.member)

        taken = await self.smash(stack, crew.member)
        elevation = taken.json()["data"]["id"]
        role = (await me(stack, crew.member))["role"]

        async def told() -> bool:
            return any("Emergency access" in subject for subject in await mails(stack, crew.addresses[Role.OWNER]))

        await until(told, what="a mail to the owner")
        early = await post(stack, crew.owner, f"/{elevation}/review", note="too early")
        await post(stack, crew.owner, f"/{elevation}/end")
        own = await post(stack, crew.member, f"/{elevation}/review", note="all fine")
        reviewed = await post(stack, crew.owner, f"/{elevation}/review", note="seen, in order")
        handle = stack.container.temporal.get_workflow_handle(workflow_id(TenantId(crew.tenant.id), elevation))

        assert (201, "owner") == (taken.status_code, role)
        assert (409, "security.elevation_not_open") == code(early)
        assert 403 == own.status_code
        assert ("seen, in order", crew.owner.id) == (
            reviewed.json()["data"]["reviewNote"],
            reviewed.json()["data"]["reviewedBy"],
        )
        assert "ended" == (await handle.result())["status"]

    async def test_is_for_who_was_chosen_and_has_just_proved_two_factors(self, stack: Stack, crew: Crew) -> None:
        await prove_two_factors(stack, crew.member)
        unchosen = await self.smash(stack, crew.member)
        await self.choose(stack, crew)
        await prove_two_factors(stack, crew.member, ago=timedelta(minutes=16))
        stale = await self.smash(stack, crew.member)
        by_admin = await stack.http.put(f"{CHOSEN}/{crew.admin.id}", headers=crew.admin.headers)
        listed = await stack.http.get(CHOSEN, headers=crew.admin.headers)
        await stack.http.delete(f"{CHOSEN}/{crew.member.id}", headers=crew.owner.headers)
        await prove_two_factors(stack, crew.member)

        assert (403, "security.break_glass_not_allowed") == code(unchosen)
        assert (401, "security.step_up_required") == code(stale)
        assert (403, "security.role_above_yours") == code(by_admin)
        assert crew.member.id in [each["id"] for each in listed.json()["data"]]
        assert (403, "security.break_glass_not_allowed") == code(await self.smash(stack, crew.member))
