"""A request repeated under its Idempotency-Key happens once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from conftest import Stack, Tenant

from adapters.postgres.answers import KEPT_FOR, KeptAnswers

CUSTOMERS = "/v1/billing/customers"
ENDPOINTS = "/v1/billing/webhook-endpoints"
ONBOARDINGS = "/v1/workflow/onboardings"
KEYS = "/v1/security/api-keys"


def customer(name: str) -> dict[str, Any]:
    return {"name": name, "email": "pay@initech.example", "currency": "EUR", "externalId": name}


async def post(tenant: Tenant, key: str, body: dict[str, Any], path: str = CUSTOMERS) -> httpx.Response:
    return await tenant.http.post(path, json=body, headers={**tenant.headers, "Idempotency-Key": key})


def onboarding(name: str) -> dict[str, Any]:
    return {"organisation": name, "ownerName": "Emmy Noether", "ownerEmail": "emmy@example.com", "planCode": "free"}


async def request(stack: Stack, key: str, body: dict[str, Any]) -> httpx.Response:
    return await stack.http.post(ONBOARDINGS, json=body, headers={**stack.operator, "Idempotency-Key": key})


async def onboardings_of(stack: Stack, name: str) -> list[dict[str, Any]]:
    answer = await stack.http.get(ONBOARDINGS, params={"limit": 200}, headers=stack.operator)
    return [item for item in answer.json()["data"]["items"] if item["organisation"] == name]


class TestIdempotencyKey:
    async def test_gives_the_first_answer_again(self, stack: Stack) -> None:
        first = await request(stack, "again", onboarding("Noether"))
        second = await request(stack, "again", onboarding("Noether"))

        assert first.json()["data"] == second.json()["data"]
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.headers["Location"] == second.headers["Location"] == first.json()["data"]["href"]
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["Idempotent-Replayed"] == "true"
        assert len(await onboardings_of(stack, "Noether")) == 1

    async def test_belongs_to_the_request_it_came_with(self, stack: Stack) -> None:
        await request(stack, "taken", onboarding("Hilbert"))
        answer = await request(stack, "taken", onboarding("Klein"))

        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "kernel.idempotency_key_reused"
        assert await onboardings_of(stack, "Klein") == []

    async def test_makes_one_of_concurrent_duplicates(self, stack: Stack) -> None:
        answers = await asyncio.gather(*(request(stack, "at-once", onboarding("Abel")) for _ in range(12)))

        assert {202} == {answer.status_code for answer in answers}
        assert len({answer.json()["data"]["id"] for answer in answers}) == 1
        assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count(None) == 1
        assert len(await onboardings_of(stack, "Abel")) == 1

    async def test_is_demanded_for_an_onboarding(self, stack: Stack) -> None:
        answer = await stack.http.post(ONBOARDINGS, json=onboarding("Nobody"), headers=stack.operator)

        assert answer.status_code == 422
        assert answer.json()["error"]["details"]["fields"][0]["field"] == "header.Idempotency-Key"

    async def test_of_another_caller_is_another_key(self, tenant: Tenant, neighbour: Tenant) -> None:
        body, key = {"label": "shared words"}, {"Idempotency-Key": "the-same"}
        ours = await tenant.http.post(KEYS, json=body, headers={**tenant.headers, **key})
        theirs = await neighbour.http.post(KEYS, json=body, headers={**neighbour.headers, **key})

        assert (ours.status_code, theirs.status_code) == (201, 201)
        assert ours.json()["data"]["id"] != theirs.json()["data"]["id"]
        assert theirs.json()["data"]["secret"]

    async def test_of_the_operator_does_not_answer_for_another_tenant(
        self, stack: Stack, tenant: Tenant, neighbour: Tenant
    ) -> None:
        headers = {**stack.operator, "Idempotency-Key": "for-each"}
        ours = await stack.http.post(KEYS, json={"label": "x"}, params={"tenantId": tenant.id}, headers=headers)
        theirs = await stack.http.post(KEYS, json={"label": "x"}, params={"tenantId": neighbour.id}, headers=headers)

        assert ours.status_code == 201
        assert theirs.status_code == 409

    async def test_does_not_keep_the_secret_of_a_new_api_key(self, tenant: Tenant) -> None:
        headers = {**tenant.headers, "Idempotency-Key": "a-key"}
        first = await tenant.http.post(KEYS, json={"label": "nightly"}, headers=headers)
        second = await tenant.http.post(KEYS, json={"label": "nightly"}, headers=headers)

        assert first.json()["data"]["secret"].startswith("hgk_")
        assert second.json()["data"] == {"id": first.json()["data"]["id"], "secret": None}
        assert second.status_code == 201
        assert second.headers["Idempotent-Replayed"] == "true"
        assert len([key for key in (await tenant.get(KEYS))["items"] if key["label"] == "nightly"]) == 1

    async def test_is_free_again_after_a_refusal(self, stack: Stack) -> None:
        refused = await request(stack, "mended", {**onboarding("Riemann"), "planCode": "no such plan"})
        mended = await request(stack, "mended", onboarding("Riemann"))

        assert refused.json()["error"]["code"] == "billing.platform_plan_not_found"
        assert mended.status_code == 202


class TestBilling:
    async def test_makes_one_of_concurrent_duplicates(self, tenant: Tenant) -> None:
        answers = await asyncio.gather(*(post(tenant, "at-once", customer("Abel")) for _ in range(12)))

        assert {201} == {answer.status_code for answer in answers}
        assert 1 == len({answer.json()["data"]["id"] for answer in answers})
        assert {'"1"'} == {answer.headers["ETag"] for answer in answers}
        assert 1 == [answer.headers.get("Idempotent-Replayed") for answer in answers].count(None)
        assert 1 == len((await tenant.get(CUSTOMERS, externalId="Abel"))["items"])

    async def test_knows_the_request_however_it_is_written(self, tenant: Tenant) -> None:
        first = await post(tenant, "written", customer("Galois"))
        again = await post(tenant, "written", dict(reversed(customer("Galois").items())))
        other = await post(tenant, "written", customer("Cauchy"))

        assert first.json()["data"] == again.json()["data"]
        assert (409, "kernel.idempotency_key_reused") == (other.status_code, other.json()["error"]["code"])
        assert [] == (await tenant.get(CUSTOMERS, externalId="Cauchy"))["items"]

    async def test_keeps_nothing_of_a_refusal(self, tenant: Tenant) -> None:
        refused = await post(tenant, "mended", {**customer("Gauss"), "legalEntity": "nowhere"})
        mended = await post(tenant, "mended", customer("Gauss"))

        assert (422, 201) == (refused.status_code, mended.status_code)

    async def test_of_the_operator_is_another_one_in_each_tenant(
        self, stack: Stack, tenant: Tenant, neighbour: Tenant
    ) -> None:
        headers = {**stack.operator, "Idempotency-Key": "for-each-its-own"}
        made = [
            await stack.http.post(CUSTOMERS, json=customer("Euler"), params={"tenantId": each.id}, headers=headers)
            for each in (tenant, neighbour, tenant)
        ]

        ids = [answer.json()["data"]["id"] for answer in made]
        assert ids[0] == ids[2] != ids[1]

    async def test_does_not_keep_the_secret_of_a_webhook_endpoint(self, stack: Stack, tenant: Tenant) -> None:
        body = {"url": "https://example.com/hook", "types": ["billing.invoice.paid"]}
        first, again = [(await post(tenant, "hook", body, ENDPOINTS)).json()["data"] for _ in range(2)]

        assert first["secret"].startswith("whsec_")
        assert {**first, "secret": None} == again
        async with stack.container.database.connection() as connection:
            kept = await connection.fetch("SELECT answer::text FROM platform.http_answer WHERE key = 'hook'")
        assert first["id"] in str(kept)
        assert first["secret"] not in str(kept)

    async def test_is_forgotten_after_a_day(self, stack: Stack, tenant: Tenant) -> None:
        await post(tenant, "yesterdays", customer("Fermat"))
        await post(tenant, "todays", customer("Pascal"))
        async with stack.container.database.connection() as connection:
            await connection.execute(
                "UPDATE platform.http_answer SET created_at = now() - $1::interval WHERE key = 'yesterdays'",
                KEPT_FOR + timedelta(minutes=1),
            )

        assert 1 == await KeptAnswers(stack.container.database).forget()

        assert 409 == (await post(tenant, "yesterdays", customer("Fermat"))).status_code
        assert "true" == (await post(tenant, "todays", customer("Pascal"))).headers["Idempotent-Replayed"]
