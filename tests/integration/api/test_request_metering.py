"""Answered requests become usage of the API keys they came with, whatever happens to the process that answered them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, until
from paying import Merchant, merchant

from adapters.gateway.answered import AnsweredRequests
from adapters.kernel.clock import new_id, utc_now
from adapters.security.revocations import Revocations
from domain.gateway.events import RequestCompleted
from domain.kernel.ids import RequestId, TenantId

TYPE = "gateway.request.completed"


def charge(meter: str, price: str) -> dict[str, Any]:
    prices = {"EUR": {"model": "per_unit", "unitPrice": price}}
    return {"kind": "usage", "code": meter, "name": meter, "meter": meter, "prices": prices}


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    """One that charges for requests, and for what the answers weigh."""
    seller = await merchant(stack, "The Gatekeepers")
    await gatekeeping(seller)
    return seller


async def gatekeeping(seller: Merchant) -> None:
    meter = {"eventType": TYPE, "aggregation": "sum", "name": "Requests", "unit": "request"}
    await seller.post("/v1/billing/meters", {**meter, "code": "requests", "property": "requests"})
    await seller.post("/v1/billing/meters", {**meter, "code": "weight", "property": "response_bytes"})
    charges = [charge("requests", "0.01"), charge("weight", "0.0001")]
    terms = {"name": "By request", "interval": "month", "charges": charges}
    await seller.post("/v1/billing/plans", {"code": "by-request", "terms": terms})


async def buyer(seller: Merchant) -> tuple[str, dict[str, str]]:
    """A subscription of somebody with an API key, and the key."""
    key = await seller.post("/v1/security/api-keys", {"label": "for a customer"})
    customer = await seller.customer(None, usageSubjects=[key["id"]])
    wish = {"customerId": customer["id"], "planCode": "by-request", "quantity": 1}
    bought = await seller.post("/v1/billing/subscriptions", wish)
    return bought["id"], {"X-API-Key": key["secret"]}


async def used(seller: Merchant, subscription: str) -> dict[str, int]:
    told = await seller.tenant.get(f"/v1/billing/subscriptions/{subscription}/usage")
    return {each["chargeCode"]: int(each["line"]["quantity"]) for each in told}


class TestRequests:
    async def test_are_counted_with_what_their_answers_weigh(self, seller: Merchant) -> None:
        subscription, key = await buyer(seller)
        answers = [await seller.tenant.http.get("/v1/billing/plans", headers=key) for _ in range(5)]
        refused = await seller.tenant.http.get("/v1/billing/plans/unknown", headers=key)
        unreadable = await seller.tenant.http.get("/v1/billing/plans?limit=0", headers=key)

        async def counted() -> bool:
            return (await used(seller, subscription))["requests"] == 7

        await until(counted, what="seven requests to be counted")
        bodies = sum(len(each.content) for each in [*answers, refused, unreadable])
        assert bodies < (await used(seller, subscription))["weight"] < bodies + 7 * 1_000

        page = await seller.tenant.get("/v1/bus/events", type=TYPE, limit=200)
        told = {each["data"]["requestId"]: each["data"] for each in page["items"]}
        assert {each.headers["X-Request-ID"] for each in [*answers, refused]} <= set(told)
        last = told[refused.headers["X-Request-ID"]]
        assert (404, "billing.plan_not_found", "/v1/billing/plans/{plan_code}") == (
            last["status"],
            last["errorCode"],
            last["route"],
        )
        assert "kernel.invalid" == told[unreadable.headers["X-Request-ID"]]["errorCode"]

    async def test_of_a_tenant_that_does_not_meter_them_are_nothing(self, stack: Stack) -> None:
        tenant = await stack.tenant()
        await tenant.get("/v1/billing/plans")
        await stack.container.answered.publish()

        assert not stack.container.answered.wants(TenantId(tenant.id))
        assert [] == (await tenant.get("/v1/bus/events", type=TYPE))["items"]

    async def test_are_counted_as_soon_as_a_meter_does(self, stack: Stack) -> None:
        seller = await merchant(stack, "The Latecomers")
        await stack.container.answered.publish()
        assert not stack.container.answered.wants(TenantId(seller.tenant.id))

        await gatekeeping(seller)
        subscription, key = await buyer(seller)
        await seller.tenant.http.get("/v1/billing/plans", headers=key)

        async def counted() -> bool:
            return (await used(seller, subscription))["requests"] == 1

        await until(counted, what="the request to be counted")


class TestFile:
    async def test_of_a_process_that_died_is_taken_over_and_told_once(
        self, stack: Stack, seller: Merchant, tmp_path: Path
    ) -> None:
        before = {each["id"] for each in await announced(seller)}
        dead = AnsweredRequests(tmp_path, stack.container.database, Revocations())
        for _ in range(3):
            dead.note(TenantId(seller.tenant.id), request())
        [path] = files(tmp_path)
        lines = path.read_bytes()
        living = AnsweredRequests(tmp_path, stack.container.database, Revocations())

        # Its lock dies with the process.
        assert 0 == await living.publish()
        assert dead._file is not None
        dead._file.leave()
        assert 3 == await living.publish()
        assert [] == files(tmp_path)

        # It was killed once more, after the events were committed and before the file was gone.
        path.write_bytes(lines + b'["evt_cut off by a full disk')
        await living.publish()
        assert 3 == len({each["id"] for each in await announced(seller)} - before)

    async def test_stays_while_the_database_is_away(self, stack: Stack, seller: Merchant, tmp_path: Path) -> None:
        class Away:
            async def run(self, *_: Any) -> Any:
                raise ConnectionRefusedError

        noted = AnsweredRequests(tmp_path, Away(), Revocations())  # type: ignore[arg-type]
        noted.note(TenantId(seller.tenant.id), request())
        with pytest.raises(ConnectionRefusedError):
            await noted.publish()

        assert 1 == await AnsweredRequests(tmp_path, stack.container.database, Revocations()).publish()


async def announced(seller: Merchant) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await seller.tenant.get("/v1/bus/events", type=TYPE, limit=200))["items"]
    return items


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def request() -> RequestCompleted:
    return RequestCompleted(
        occurred_at=utc_now(),
        request_id=new_id(RequestId),
        method="GET",
        route="/v1/billing/plans",
        status=200,
        api_key_id="key_01h455vb4pex5vsknk084sn02q",
        duration_ms=1,
        request_bytes=100,
        response_bytes=100,
    )
