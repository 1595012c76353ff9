"""People are asked in by mail, are members with a role, and leave; owners stand above administrators."""

from __future__ import annotations

import asyncio
import subprocess
from itertools import count
from typing import Any

import httpx
import pytest
from browsers import CHROMIUM, needs_a_browser
from conftest import Stack, Tenant, until
from people import PASSWORD, Person, mailed_link, new_member, signed_in

from domain.security.people import Role

INVITATIONS, MEMBERS = "/v1/security/invitations", "/v1/security/members"
LINKS = "/v1/security/invitation-links"
_numbers = count(1)


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """Where people are asked in."""
    return await stack.tenant(organisation="The Guests")


def fresh() -> str:
    """An address nobody has."""
    return f"guest{next(_numbers)}@guests.example"


async def person(stack: Stack, tenant: Tenant, role: Role) -> Person:
    """A member with this role, signed in."""
    address = fresh()
    await new_member(stack, tenant, address, role)
    return await signed_in(stack.http, address)


async def invite(tenant: Tenant, address: str, *, by: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return await tenant.http.post(INVITATIONS, json={"email": address, **more}, headers=by or tenant.headers)


async def accept(tenant: Tenant, token: str, **more: Any) -> httpx.Response:
    body = {"token": token, "name": "Dorothy Vaughan", "password": PASSWORD, **more}
    return await tenant.http.post(f"{LINKS}/redeem", json=body)


def code(answer: httpx.Response) -> str:
    told: str = answer.json()["error"]["code"]
    return told


async def progress(tenant: Tenant, invitation_id: str) -> dict[str, Any]:
    """What the invitation's process says of itself."""
    told: dict[str, Any] = await tenant.get(f"{INVITATIONS}/{invitation_id}/progress")
    return told


class TestInvitation:
    async def test_brings_somebody_in_by_mail(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        invitation = (await invite(tenant, address, role="viewer")).json()["data"]
        token = await mailed_link(stack, address, "ivt")
        look = await tenant.http.post(f"{LINKS}/look-up", json={"token": token})
        joined = await accept(tenant, token)
        newcomer = await signed_in(stack.http, address)

        assert {"organisation": "The Guests", "email": address, "role": "viewer", "passwordRequired": True} == (
            look.json()["data"]
        )
        assert (201, newcomer.id) == (joined.status_code, joined.json()["data"]["userId"])
        member = await tenant.get(f"{MEMBERS}/{newcomer.id}")
        assert ("Dorothy Vaughan", address, "viewer") == (member["name"], member["email"], member["role"])
        assert "accepted" == (await tenant.get(f"{INVITATIONS}/{invitation['id']}"))["status"]

    async def test_process_ends_as_soon_as_somebody_has_accepted(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        invitation = (await invite(tenant, address)).json()["data"]
        token = await mailed_link(stack, address, "ivt")

        async def waits() -> bool:
            return bool((await progress(tenant, invitation["id"]))["next"] == "reminder")

        await until(waits, what="the process to wait")
        await accept(tenant, token)
        handle = stack.container.temporal.get_workflow_handle(f"{tenant.id}/security/invitation/{invitation['id']}")
        result = await handle.result()

        assert ("accepted", "invitation sent", "") == (result["outcome"], result["mail"], result["next"])

    async def test_to_who_has_an_account_leaves_name_and_password_alone(
        self, stack: Stack, tenant: Tenant, neighbour: Tenant
    ) -> None:
        address = fresh()
        await new_member(stack, neighbour, address, Role.MEMBER)
        await invite(tenant, address, role="admin")
        token = await mailed_link(stack, address, "ivt")
        look = await tenant.http.post(f"{LINKS}/look-up", json={"token": token})
        await accept(tenant, token, name="Somebody Else", password="nine lanterns over the quay")
        known = await signed_in(stack.http, address, tenantId=tenant.id)
        me = (await stack.http.get("/v1/security/me", headers=known.headers)).json()["data"]

        assert look.json()["data"]["passwordRequired"] is False
        assert ("Katherine Johnson", "admin", 2) == (me["name"], me["role"], len(me["memberships"]))

    async def test_is_accepted_once(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        await invite(tenant, address)
        token = await mailed_link(stack, address, "ivt")
        answers = [await accept(tenant, token) for _ in range(2)]

        assert [201, 422] == [each.status_code for each in answers]
        assert "security.link_invalid" == code(answers[1])

    async def test_demands_a_password_of_who_has_none(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        await invite(tenant, address)
        token = await mailed_link(stack, address, "ivt")
        without, weak = (
            await accept(tenant, token, password=None),
            await accept(tenant, token, password="dorothy vaughan"),
        )

        assert (422, "security.password_required") == (without.status_code, code(without))
        assert (422, "security.password_too_weak") == (weak.status_code, code(weak))

    async def test_that_is_revoked_opens_nothing(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        invitation = (await invite(tenant, address)).json()["data"]
        token = await mailed_link(stack, address, "ivt")
        path = f"{INVITATIONS}/{invitation['id']}/revoke"
        first, again = [await tenant.http.post(path, headers=tenant.headers) for _ in range(2)]

        assert ("revoked", 409) == (first.json()["data"]["status"], again.status_code)
        assert 422 == (await accept(tenant, token)).status_code

    async def test_past_its_time_opens_nothing_and_lets_another_be_sent(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        invitation = (await invite(tenant, address)).json()["data"]
        token = await mailed_link(stack, address, "ivt")
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.security_invitation SET expires_at = now() WHERE id = $1", invitation["id"]
            )

        assert 422 == (await accept(tenant, token)).status_code
        assert "expired" == (await tenant.get(f"{INVITATIONS}/{invitation['id']}"))["status"]
        assert 201 == (await invite(tenant, address)).status_code

    async def test_is_sent_once_at_a_time(self, tenant: Tenant) -> None:
        address = fresh()
        first, second = await invite(tenant, address), await invite(tenant, address.upper())

        assert (409, "security.already_invited") == (second.status_code, code(second))
        assert first.json()["data"]["id"] == second.json()["error"]["details"]["invitationId"]

    async def test_is_not_for_members(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        await new_member(stack, tenant, address, Role.VIEWER)
        answer = await invite(tenant, address)

        assert (409, "security.already_a_member") == (answer.status_code, code(answer))

    async def test_that_the_mail_server_refuses_says_so_and_stays_open(self, stack: Stack, tenant: Tenant) -> None:
        invitation = (await invite(tenant, f"guest{next(_numbers)}@refused.example")).json()["data"]

        async def told() -> str | None:
            mail: str = (await progress(tenant, invitation["id"]))["mail"]
            return mail if "not sent" in mail else None

        assert "550" in await until(told, what="the refusal")
        assert "open" == (await tenant.get(f"{INVITATIONS}/{invitation['id']}"))["status"]

    @pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
    async def test_is_for_administrators_to_send(self, stack: Stack, tenant: Tenant, role: Role) -> None:
        by = await person(stack, tenant, role)

        assert 403 == (await invite(tenant, fresh(), by=by.headers)).status_code


class TestInvitationPage:
    @needs_a_browser
    async def test_shows_what_the_link_is_for(self, stack: Stack, tenant: Tenant) -> None:
        address = fresh()
        await invite(tenant, address)
        token = await mailed_link(stack, address, "ivt")
        assert CHROMIUM is not None
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
        command += ["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=5000"]
        seen = await _output([*command, f"{stack.url}/account#{token}"])

        assert "Join The Guests" in seen
        assert f"{address} is invited as member" in seen

    async def test_runs_its_own_script_only(self, stack: Stack) -> None:
        answer = await stack.http.get("/account")
        policy = answer.headers["Content-Security-Policy"]

        assert 200 == answer.status_code
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "no-referrer" == answer.headers["Referrer-Policy"]

    async def test_hides_what_is_hidden(self, stack: Stack) -> None:
        """A rule for labels would otherwise outrank the attribute: a form for a password asked for a name."""
        page = (await stack.http.get("/account")).text

        assert "[hidden] { display: none !important; }" in page


class TestMember:
    async def test_may_do_what_the_role_says_from_the_next_request_on(self, stack: Stack, tenant: Tenant) -> None:
        somebody = await person(stack, tenant, Role.VIEWER)
        path = "/v1/security/api-keys"
        before = await stack.http.post(path, json={"label": "mine"}, headers=somebody.headers)
        promoted = await _make(tenant, somebody, "admin")
        after = await stack.http.post(path, json={"label": "mine"}, headers=somebody.headers)
        await _make(tenant, somebody, "viewer")
        again = await stack.http.post(path, json={"label": "mine"}, headers=somebody.headers)

        assert (403, 200, 201, 403) == (before.status_code, promoted.status_code, after.status_code, again.status_code)

    async def test_who_leaves_is_out_at_once(self, stack: Stack, tenant: Tenant) -> None:
        somebody = await person(stack, tenant, Role.ADMIN)
        gone = await tenant.http.delete(f"{MEMBERS}/{somebody.id}", headers=tenant.headers)
        after = await stack.http.get("/v1/security/me", headers=somebody.headers)

        assert (200, 401) == (gone.status_code, after.status_code)
        assert 404 == (await tenant.http.get(f"{MEMBERS}/{somebody.id}", headers=tenant.headers)).status_code

    async def test_of_another_tenant_is_not_found(self, stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
        theirs = await person(stack, neighbour, Role.MEMBER)
        answers = [
            await tenant.http.get(f"{MEMBERS}/{theirs.id}", headers=tenant.headers),
            await _make(tenant, theirs, "viewer"),
            await tenant.http.delete(f"{MEMBERS}/{theirs.id}", headers=tenant.headers),
        ]

        assert [404] * 3 == [each.status_code for each in answers]
        assert 200 == (await stack.http.get("/v1/security/me", headers=theirs.headers)).status_code


class TestAdministration:
    async def test_is_not_given_away_with_the_right_to_invite(self, stack: Stack) -> None:
        """A policy may let members invite colleagues; as what they are themselves, and no more."""
        open_house = await stack.tenant()
        member = await person(stack, open_house, Role.MEMBER)
        texts = [
            f'permit (principal in HarborGrid::Role::"write", action == HarborGrid::Action::"{action}", resource);'
            for action in ("security.invite", "security.change_member")
        ]
        for number, text in enumerate(texts):
            policy = {"name": f"open {number}", "text": text}
            made = await open_house.http.post("/v1/security/policies", json=policy, headers=open_house.headers)
            assert 201 == made.status_code, made.text
        invited = [await invite(open_house, fresh(), by=member.headers, role=role) for role in ("admin", "member")]
        promoted = await _make(open_house, member, "admin", by=member)

        assert [403, 201] == [each.status_code for each in invited]
        assert (403, "security.role_above_yours") == (promoted.status_code, code(promoted))

    async def test_leaves_no_invitations_behind(self, stack: Stack, tenant: Tenant) -> None:
        """Who is shown the door must not have opened a window before."""
        leaver, address = await person(stack, tenant, Role.OWNER), fresh()
        invitation = (await invite(tenant, address, by=leaver.headers, role="owner")).json()["data"]
        token = await mailed_link(stack, address, "ivt")
        path = f"{MEMBERS}/{leaver.id}?tenantId={tenant.id}"
        gone = await stack.http.delete(path, headers=stack.operator)

        assert 200 == gone.status_code, gone.text
        assert "revoked" == (await tenant.get(f"{INVITATIONS}/{invitation['id']}"))["status"]
        assert 422 == (await accept(tenant, token)).status_code


class TestOwner:
    async def test_is_made_and_unmade_by_owners_alone(self, stack: Stack, tenant: Tenant) -> None:
        owner, admin = await person(stack, tenant, Role.OWNER), await person(stack, tenant, Role.ADMIN)
        by_key = await _make(tenant, admin, "owner")
        by_admin = await _make(tenant, admin, "owner", by=admin)
        demoting = await _make(tenant, owner, "viewer", by=admin)
        removing = await tenant.http.delete(f"{MEMBERS}/{owner.id}", headers=admin.headers)
        inviting = await invite(tenant, fresh(), by=admin.headers, role="owner")
        by_owner = await _make(tenant, admin, "owner", by=owner)

        refused = [by_key, by_admin, demoting, removing, inviting]
        assert {(403, "security.role_above_yours")} == {(each.status_code, code(each)) for each in refused}
        assert 200 == by_owner.status_code

    async def test_that_is_the_last_one_stays(self, stack: Stack) -> None:
        address = fresh()
        lonely = await stack.tenant(ownerEmail=address)
        [member] = (await lonely.get(MEMBERS))["items"]
        path = f"{MEMBERS}/{member['id']}?tenantId={lonely.id}"
        answers = [
            await stack.http.patch(path, json={"role": "viewer"}, headers=stack.operator),
            await stack.http.delete(path, headers=stack.operator),
        ]

        assert {(409, "security.last_owner")} == {(each.status_code, code(each)) for each in answers}


class TestPolicy:
    async def test_may_forbid_to_a_person(self, stack: Stack) -> None:
        strict = await stack.tenant()
        somebody = await person(stack, strict, Role.ADMIN)
        text = f'forbid (principal == HarborGrid::User::"{somebody.id}", action, resource);'
        made = await strict.http.post(
            "/v1/security/policies", json={"name": "not them", "text": text}, headers=strict.headers
        )
        refused = await stack.http.get("/v1/security/me", headers=somebody.headers)
        asked = await strict.http.post(
            "/v1/security/check",
            json={"principal": somebody.id, "action": "security.read_self"},
            headers=strict.headers,
        )

        assert (201, 403) == (made.status_code, refused.status_code)
        assert (False, "security.policy_forbids") == (asked.json()["data"]["allowed"], asked.json()["data"]["code"])


async def _make(tenant: Tenant, who: Person, role: str, *, by: Person | None = None) -> httpx.Response:
    headers = by.headers if by else tenant.headers
    return await tenant.http.patch(f"{MEMBERS}/{who.id}", json={"role": role}, headers=headers)


async def _output(command: list[str]) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return output.decode()
