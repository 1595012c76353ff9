"""What a removed tenant left behind is erased: its data keys are destroyed, once the grace is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until

from adapters.kernel.clock import new_id, utc_now
from adapters.security.keyring import PostgresKeyRing
from domain.kernel.ids import TenantId
from domain.security.commands import DeprovisionTenant, FollowErasure
from domain.security.erasures import request
from domain.security.errors import DataKeyNotFound
from domain.security.ids import ErasureId

ERASURES = "/v1/security/erasures"


@pytest.fixture
async def gone(stack: Stack) -> Tenant:
    """A tenant that has been removed."""
    tenant = await stack.tenant(organisation="The Departed")
    removal = DeprovisionTenant(tenant_id=TenantId(tenant.id), reason="the contract ended")
    activities = {each.__name__: each for each in stack.container.activities()}
    await activities["deprovision_tenant"](removal)
    return tenant


async def asked(stack: Stack, tenant: str, **changes: Any) -> httpx.Response:
    body = {"tenantId": tenant, "reason": "they asked for it", **changes}
    return await stack.http.post(ERASURES, json=body, headers=stack.operator)


async def progress(stack: Stack, erasure: str) -> dict[str, Any]:
    answer = await stack.http.get(f"{ERASURES}/{erasure}/progress", headers=stack.operator)
    told: dict[str, Any] = answer.json()["data"]
    return told


async def key_of(stack: Stack, tenant: str) -> str:
    """A data key that something of this tenant was encrypted under."""
    async with stack.container.database.connection() as connection:
        found: str = await connection.fetchval("SELECT id FROM platform.security_data_key WHERE tenant_id = $1", tenant)
        return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class TestErasure:
    async def test_destroys_every_key_and_leaves_those_of_others(
        self, stack: Stack, gone: Tenant, neighbour: Tenant
    ) -> None:
        keys = [await key_of(stack, gone.id), await key_of(stack, neighbour.id)]

        erasure = (await asked(stack, gone.id, graceDays=0)).json()["data"]["id"]

        async def destroyed() -> bool:
            return bool((await progress(stack, erasure))["status"] == "destroyed")

        await until(destroyed, what="the keys to be destroyed")
        fresh = PostgresKeyRing(stack.container.database, stack.container.masters)
        with pytest.raises(DataKeyNotFound):
            await fresh.key(keys[0])
        assert 32 == len(await fresh.key(keys[1]))
        told = await progress(stack, erasure)
        assert "every process has forgotten them" == told["next"]
        records = await stack.http.get(
            "/v1/security/audit-records", params={"tenantId": gone.id}, headers=stack.operator
        )
        [record] = [each for each in records.json()["data"]["items"] if each["action"] == "security.destroy_data_keys"]
        assert 1 == record["details"]["keysDestroyed"]

    async def test_is_done_once_though_its_step_runs_twice(self, stack: Stack, gone: Tenant) -> None:
        tenant, erasure, now = TenantId(gone.id), new_id(ErasureId), utc_now() + timedelta(days=365)
        await stack.container.security(
            tenant, lambda uow: request(uow, tenant, "later", id=erasure, grace=timedelta(), now=now)
        )
        activities = {each.__name__: each for each in stack.container.activities()}
        async with stack.container.database.connection() as connection:
            await connection.execute("UPDATE platform.security_erasure SET erase_at = now() WHERE id = $1", erasure)

        states = [await activities["settle_erasure"](FollowErasure(erasure_id=erasure)) for _ in range(2)]

        assert [("erased", 1, 0)] * 2 == [(each.status, each.keys_destroyed, each.keys_left) for each in states]

    async def test_can_be_cancelled_while_the_grace_lasts(self, stack: Stack, gone: Tenant) -> None:
        erasure = (await asked(stack, gone.id)).json()["data"]["id"]

        async def waits() -> bool:
            return bool((await progress(stack, erasure))["next"] == "the keys are destroyed")

        await until(waits, what="the process to wait")
        again = await asked(stack, gone.id)
        cancelled = await stack.http.post(f"{ERASURES}/{erasure}/cancel", headers=stack.operator)
        handle = stack.container.temporal.get_workflow_handle(f"platform/security/erasure/{erasure}")

        assert (409, "security.erasure_under_way") == code(again)
        assert "cancelled" == cancelled.json()["data"]["status"]
        assert "cancelled" == (await handle.result())["status"]
        assert await key_of(stack, gone.id)
        assert (409, "security.erasure_not_open") == code(
            await stack.http.post(f"{ERASURES}/{erasure}/cancel", headers=stack.operator)
        )
        assert 201 == (await asked(stack, gone.id)).status_code

    async def test_is_for_tenants_that_are_gone_and_for_the_operator(self, stack: Stack, neighbour: Tenant) -> None:
        body = {"tenantId": neighbour.id, "reason": "a mistake"}

        answers = [
            await asked(stack, neighbour.id),
            await asked(stack, "ten_00000000000000000000000000"),
            await stack.http.post(ERASURES, json=body, headers=neighbour.headers),
        ]

        assert [
            (409, "security.tenant_still_active"),
            (404, "security.tenant_not_found"),
            (403, "security.operators_only"),
        ] == [code(answer) for answer in answers]
