"""Rotating an API key: two that work for a while, then one; and when a key was last used."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, until

from adapters.kernel.clock import utc_now

KEYS = "/v1/security/api-keys"
CURRENT = f"{KEYS}/current"


async def make(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    """A key of the tenant; its id and secret."""
    body = {"label": "nightly import", "scopes": ["write"], **changes}
    answer = await tenant.http.post(KEYS, json=body, headers=tenant.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made


async def rotate(tenant: Tenant, key_id: str, **body: Any) -> httpx.Response:
    return await tenant.http.post(f"{KEYS}/{key_id}/rotate", json=body, headers=tenant.headers)


async def status(tenant: Tenant, secret: str) -> int:
    return (await tenant.http.get(CURRENT, headers={"X-API-Key": secret})).status_code


async def listed(tenant: Tenant, key_id: str) -> dict[str, Any]:
    page = await tenant.get(KEYS, limit=200)
    return next(key for key in page["items"] if key["id"] == key_id)


class TestRotation:
    async def test_makes_a_successor_that_may_do_the_same_while_both_work(self, tenant: Tenant) -> None:
        old = await make(tenant)
        answer = await rotate(tenant, old["id"], overlapSeconds=3600)
        new = answer.json()["data"]
        before, after = await listed(tenant, old["id"]), await listed(tenant, new["id"])

        assert answer.status_code == 201
        assert [200, 200] == [await status(tenant, key["secret"]) for key in (old, new)]
        assert ("nightly import", ["write"], old["id"]) == (after["label"], after["scopes"], after["replaces"])
        assert after["expiresAt"] is None
        left = datetime.fromisoformat(before["expiresAt"]) - utc_now()
        assert timedelta(minutes=58) < left <= timedelta(hours=1)

    async def test_ends_the_old_key_with_the_overlap(self, tenant: Tenant) -> None:
        old = await make(tenant)
        worked = await status(tenant, old["secret"])
        new = (await rotate(tenant, old["id"], overlapSeconds=0)).json()["data"]

        async def is_refused() -> bool:
            return await status(tenant, old["secret"]) == 401

        await until(is_refused, seconds=5, what="the old key to be refused")
        assert (200, 200) == (worked, await status(tenant, new["secret"]))

    async def test_gives_a_key_that_was_to_expire_a_successor_of_the_same_lifetime(self, tenant: Tenant) -> None:
        soon = utc_now() + timedelta(hours=2)
        old = await make(tenant, expiresAt=soon.isoformat())
        new = (await rotate(tenant, old["id"], overlapSeconds=86_400)).json()["data"]
        before, after = await listed(tenant, old["id"]), await listed(tenant, new["id"])

        assert datetime.fromisoformat(before["expiresAt"]) == soon
        lifetime = datetime.fromisoformat(after["expiresAt"]) - datetime.fromisoformat(after["createdAt"])
        assert timedelta(hours=1, minutes=59) < lifetime < timedelta(hours=2, seconds=1)

    async def test_asked_for_many_times_at_once_happens_once(self, tenant: Tenant) -> None:
        old = await make(tenant)
        answers = await asyncio.gather(*(rotate(tenant, old["id"]) for _ in range(8)))

        assert [201] + [409] * 7 == sorted(answer.status_code for answer in answers)
        refused = next(answer for answer in answers if answer.status_code == 409).json()["error"]
        assert refused["code"] == "security.api_key_not_rotatable"
        assert refused["details"]["hint"]

    async def test_goes_on_with_the_successor(self, tenant: Tenant) -> None:
        first = await make(tenant)
        second = (await rotate(tenant, first["id"])).json()["data"]
        third = await rotate(tenant, second["id"])

        assert third.status_code == 201
        assert second["id"] == (await listed(tenant, third.json()["data"]["id"]))["replaces"]

    async def test_is_refused_to_what_is_revoked_expired_or_unclaimed(self, stack: Stack, tenant: Tenant) -> None:
        revoked = await make(tenant)
        await tenant.http.post(f"{KEYS}/{revoked['id']}/revoke", json={}, headers=tenant.headers)
        expired = await make(tenant, expiresAt="2020-01-01T00:00:00Z")
        accepted = await stack.onboard()
        view = await stack.finished(accepted["id"])
        keys = await stack.http.get(KEYS, params={"tenantId": view["tenantId"]}, headers=stack.operator)
        unclaimed = keys.json()["data"]["items"][0]["id"]
        answers = [
            await rotate(tenant, revoked["id"]),
            await rotate(tenant, expired["id"]),
            await stack.http.post(f"{KEYS}/{unclaimed}/rotate", json={}, headers=stack.operator),
        ]

        assert ["security.api_key_not_rotatable"] * 3 == [answer.json()["error"]["code"] for answer in answers]

    @pytest.mark.parametrize("seconds", [-1, 30 * 86_400 + 1, "soon"])
    async def test_has_an_overlap_within_a_month(self, tenant: Tenant, seconds: Any) -> None:
        old = await make(tenant)

        assert (await rotate(tenant, old["id"], overlapSeconds=seconds)).status_code == 422
        assert (await listed(tenant, old["id"]))["expiresAt"] is None

    async def test_is_told_to_the_bus_and_to_the_audit_trail(self, tenant: Tenant) -> None:
        old = await make(tenant)
        new = (await rotate(tenant, old["id"], overlapSeconds=60)).json()["data"]
        [record, *_] = [
            record
            for record in (await tenant.get("/v1/security/audit-records"))["items"]
            if record["action"] == "security.rotate_api_key"
        ]
        created = await tenant.get("/v1/bus/events", subject=new["id"])

        assert (old["id"], {"successor": new["id"], "overlapSeconds": 60}) == (record["resource"], record["details"])
        assert ["security.api_key.created"] == [event["type"] for event in created["items"]]


class TestLastUse:
    async def test_is_remembered(self, tenant: Tenant) -> None:
        key = await make(tenant)
        before = (await listed(tenant, key["id"]))["lastUsedAt"]
        await status(tenant, key["secret"])
        after = datetime.fromisoformat((await listed(tenant, key["id"]))["lastUsedAt"])

        assert before is None
        assert timedelta() <= utc_now() - after < timedelta(seconds=30)

    async def test_is_not_made_by_a_wrong_secret(self, tenant: Tenant) -> None:
        key = await make(tenant)
        wrong = key["secret"][:-1] + ("A" if key["secret"][-1] != "A" else "B")

        assert await status(tenant, wrong) == 401
        assert (await listed(tenant, key["id"]))["lastUsedAt"] is None
