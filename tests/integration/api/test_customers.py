"""Whom a tenant sells to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant
from people import code

CUSTOMERS = "/v1/billing/customers"
INITECH = {"name": "Initech", "email": "pay@initech.example", "currency": "EUR", "timezone": "Europe/Berlin"}


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Tenant:
    """Who sells."""
    return await stack.tenant(organisation="The Merchants")


async def added(tenant: Tenant, **changes: Any) -> httpx.Response:
    return await tenant.http.post(CUSTOMERS, json={**INITECH, **changes}, headers=tenant.headers)


class TestCustomer:
    async def test_is_kept_and_found_by_the_id_of_the_tenants_own(self, seller: Tenant) -> None:
        customer = (await added(seller, externalId="C-1")).json()["data"]
        await added(seller, externalId="C-2")

        found = await seller.get(CUSTOMERS, externalId="C-1")

        assert [customer] == found["items"]
        assert INITECH.items() <= customer.items()
        assert customer == await seller.get(f"{CUSTOMERS}/{customer['id']}")

    async def test_is_there_once_whoever_adds_it_at_the_same_time(self, seller: Tenant) -> None:
        answers = await asyncio.gather(*(added(seller, externalId="C-9") for _ in range(5)))

        made = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code == 409]
        assert (1, 4) == (len(made), len(refused))
        assert {made[0].json()["data"]["id"]} == {answer.json()["error"]["details"]["customerId"] for answer in refused}

    async def test_changes_if_it_is_still_what_was_read(self, seller: Tenant) -> None:
        answer = await added(seller)
        path, tag = f"{CUSTOMERS}/{answer.json()['data']['id']}", answer.headers["ETag"]
        change = {"timezone": "America/New_York"}

        changed = await seller.http.patch(path, json=change, headers={**seller.headers, "If-Match": tag})
        late = await seller.http.patch(path, json=change, headers={**seller.headers, "If-Match": tag})
        blind = await seller.http.patch(path, json=change, headers=seller.headers)

        assert ("America/New_York", "Initech", 2) == tuple(
            changed.json()["data"][name] for name in ("timezone", "name", "revision")
        )
        assert [412, 428] == [late.status_code, blind.status_code]

    @pytest.mark.parametrize(
        "wrong",
        [{"currency": "XXX"}, {"timezone": "Europe/Atlantis"}, {"email": "nobody"}, {"name": ""}, {"limit": 5}],
        ids=["currency", "time zone", "address", "name", "unknown field"],
    )
    async def test_refuses_what_cannot_be_billed(self, seller: Tenant, wrong: dict[str, Any]) -> None:
        refused = await added(seller, **wrong)

        assert (422, "kernel.invalid") == (refused.status_code, code(refused))
