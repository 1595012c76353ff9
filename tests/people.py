"""People in tests: how they get a password and sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import httpx
from argon2 import PasswordHasher
from argon2.profiles import RFC_9106_LOW_MEMORY
from conftest import Stack, Tenant, until

from adapters.kernel.clock import new_id, utc_now
from domain.kernel.ids import TenantId, UserId
from domain.security.invitations import admit
from domain.security.people import Role, User
from domain.security.ports import SecurityUnitOfWork

PASSWORD = "violet harbour under glass"
_numbers = count(1)
ME = "/v1/security/me"
RESETS, SESSIONS = "/v1/security/password-resets", "/v1/security/sessions"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    id: str
    session_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Their credentials."""
        return {"Authorization": f"Bearer {self.token}"}


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


def code(answer: httpx.Response) -> str:
    """Why it was refused."""
    told: str = answer.json()["error"]["code"]
    return told


async def me(http: httpx.AsyncClient, person: Person) -> httpx.Response:
    """Who the server says they are."""
    return await http.get(ME, headers=person.headers)


async def new_house(stack: Stack, tenant: Tenant) -> House:
    """A new owner of the tenant, who has joined with PASSWORD."""
    address = f"owner{next(_numbers)}@{tenant.id.removeprefix('ten_')}.example"
    return House(tenant, address, await new_member(stack, tenant, address, Role.OWNER))


async def mailed_link(stack: Stack, address: str, kind: str, *, seen: tuple[str, ...] = ()) -> str:
    """The token of this kind (`ivt`, `pwr`) that was mailed to this address and not seen before."""

    async def come() -> str | None:
        links = [link for link in _links(stack, address) if link.startswith(f"{kind}_") and link not in seen]
        return links[0] if links else None

    found: str = await until(come, what=f"a mail to {address}")
    return found


def _links(stack: Stack, address: str) -> list[str]:
    texts = []
    for mail in stack.mailbox.mails():
        message = stack.mailbox.message(mail["name"]) if address in mail["to"] else None
        body = message.get_body(("plain",)) if message else None
        texts.append(body.get_content() if body else "")
    return [found for text in texts for found in re.findall(r"/account#(\S+)", text)]


async def new_member(stack: Stack, tenant: Tenant, address: str, role: Role, name: str = "Katherine Johnson") -> str:
    """Somebody who has joined with PASSWORD, without the mails and the tenth of a second that it takes; their id."""
    person = User(id=new_id(UserId), name=name, email=address, created_at=utc_now())

    async def work(uow: SecurityUnitOfWork) -> str:
        user_id = await admit(uow, TenantId(tenant.id), person, role, now=utc_now())
        await uow.users.set_password(user_id, _hashed(), at=utc_now())
        return user_id

    return await stack.container.security(TenantId(tenant.id), work)


@cache
def _hashed() -> str:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY).hash(PASSWORD)


async def set_password(stack: Stack, address: str, password: str = PASSWORD, *, seen: tuple[str, ...] = ()) -> str:
    """Have a link mailed and use it; the link's token."""
    asked = await stack.http.post(RESETS, json={"email": address})
    assert asked.status_code == 202, asked.text
    token = await mailed_link(stack, address, "pwr", seen=seen)
    redeemed = await stack.http.post(f"{RESETS}/redeem", json={"token": token, "password": password})
    assert redeemed.status_code == 200, redeemed.text
    return token


async def try_to_sign_in(
    http: httpx.AsyncClient, address: str, password: str = PASSWORD, **more: Any
) -> httpx.Response:
    """The answer to a sign-in."""
    return await http.post(SESSIONS, json={"email": address, "password": password, **more})


async def signed_in(http: httpx.AsyncClient, address: str, password: str = PASSWORD, **more: Any) -> Person:
    """Somebody with a session."""
    answer = await try_to_sign_in(http, address, password, **more)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    return Person(data["userId"], data["id"], data["token"])
