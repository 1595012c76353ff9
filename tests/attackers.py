"""What attackers do in tests, and what is seen of it."""

from __future__ import annotations

from typing import Any

import httpx
from conftest import Stack, Tenant, until
from people import SESSIONS, House

from adapters.kernel.clock import new_id, utc_now
from domain.bus.event import Event
from domain.kernel.ids import TenantId, UserId
from domain.security.ids import ApplicationId, GrantId
from domain.security.oauth_events import AuthorizationRevoked

THREATS, SCANS = "/v1/security/threats", "/v1/security/threat-scans"


def of(address: str) -> str:
    return f"{address.rpartition('.')[0]}.0/24"


async def guess(stack: Stack, address: str, account: str, times: int = 1) -> list[httpx.Response]:
    """Wrong passwords from there; waits between them are forgotten, for they are another test's."""
    answers = []
    for _ in range(times):
        body = {"email": account, "password": "not the password at all"}
        answers.append(await stack.http.post(SESSIONS, json=body, headers={"X-Forwarded-For": address}))
        async with stack.container.database.connection() as connection:
            await connection.execute("DELETE FROM platform.security_sign_in_try")
    return answers


async def looked(stack: Stack) -> None:
    """Detection has looked, as it does by itself."""
    answer = await stack.http.post(SCANS, headers=stack.operator)
    assert answer.status_code == 202, answer.text
    await stack.container.temporal.get_workflow_handle(answer.json()["data"]["workflowId"]).result()


async def found(tenant: Tenant, kind: str, status: str | None = None) -> dict[str, Any]:
    """The tenant's one threat of this kind, once it stands so."""

    async def there() -> dict[str, Any] | None:
        items = (await tenant.get(THREATS))["items"]
        [one] = [each for each in items if each["kind"] == kind]
        return one if status in (None, one["status"]) else None

    threat: dict[str, Any] = await until(there, what=f"a threat that is {status}")
    return threat


async def tell(stack: Stack, tenant: Tenant, *happened: Event) -> None:
    """As if it had."""

    async def work(uow: Any) -> None:
        for each in happened:
            uow.events.append(each, tenant=TenantId(tenant.id))

    await stack.container.security(TenantId(tenant.id), work)


def mails(stack: Stack, to: str) -> list[str]:
    return [mail["subject"] for mail in stack.mailbox.mails() if to in mail["to"]]


def replayed(house: House) -> AuthorizationRevoked:
    return AuthorizationRevoked(
        grant_id=new_id(GrantId),
        application_id=new_id(ApplicationId),
        user_id=UserId(house.owner_id),
        reason="reuse",
        occurred_at=utc_now(),
    )
