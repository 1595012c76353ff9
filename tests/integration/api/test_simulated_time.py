"""Test clocks: a year of a customer's life on the real processes, in seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Stack, Tenant, until
from paying import Merchant, merchant

CLOCKS = "/v1/billing/test-clocks"
BEGIN = datetime(2027, 1, 31, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Travellers")


async def clock(seller: Merchant, now: datetime = BEGIN) -> dict[str, Any]:
    made: dict[str, Any] = await seller.post(CLOCKS, {"name": "A year", "now": now.isoformat()})
    return made


async def advance(seller: Merchant, clock: dict[str, Any], to: datetime) -> dict[str, Any]:
    """Until it is there."""
    await seller.post(f"{CLOCKS}/{clock['id']}/advance", {"to": to.isoformat()}, status=202)

    async def there() -> dict[str, Any] | None:
        found: dict[str, Any] = await seller.tenant.get(f"{CLOCKS}/{clock['id']}")
        return found if found["target"] is None else None

    found: dict[str, Any] = await until(there, seconds=90, what="the clock")
    return found


async def invoices(seller: Merchant, customer: dict[str, Any]) -> list[dict[str, Any]]:
    """Oldest first."""
    page = await seller.tenant.get("/v1/billing/invoices", customerId=customer["id"], limit=200)
    return list(reversed(page["items"]))


async def subscribed(seller: Merchant, customer: dict[str, Any]) -> dict[str, Any]:
    order = {"customerId": customer["id"], "planCode": "monthly", "quantity": 1}
    bought: dict[str, Any] = await seller.post("/v1/billing/subscriptions", order)
    return bought


class TestClock:
    async def test_lets_a_year_go_by(self, seller: Merchant) -> None:
        time = await clock(seller)
        customer = await seller.customer(testClockId=time["id"], timezone="America/New_York")
        bought = await subscribed(seller, customer)

        shown = await advance(seller, time, BEGIN + timedelta(days=368))

        paid = await invoices(seller, customer)
        assert BEGIN.isoformat()[:16] == bought["startedAt"][:16]
        assert ["paid"] * 13 == [invoice["status"] for invoice in paid]
        days = [datetime.fromisoformat(invoice["createdAt"]).date().isoformat() for invoice in paid]
        assert ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"] == days[:6]
        hours = {datetime.fromisoformat(invoice["createdAt"]).hour for invoice in paid}
        assert {8, 9} == hours, "the same local time, on both sides of daylight saving"
        assert 13 == len({invoice["number"] for invoice in paid})
        assert (BEGIN + timedelta(days=368)).isoformat()[:19] == shown["now"][:19]
        balance = await seller.tenant.get("/v1/billing/ledger/trial-balance", day="2029-01-01")
        assert 0 == sum(each["balance"]["minor"] for each in balance["accounts"])
        collected = sum(each["amount_captured"] for each in await seller.charges())
        assert collected == next(
            each["balance"]["minor"] for each in balance["accounts"] if each["account"] == "stripe"
        )

    async def test_lets_dunning_run_in_its_time(self, seller: Merchant) -> None:
        time = await clock(seller)
        customer = await seller.customer(testClockId=time["id"])
        await seller.simulate("declines", paymentMethod=customer["method"]["token"], code="insufficient_funds", times=2)
        await subscribed(seller, customer)

        await advance(seller, time, BEGIN + timedelta(days=10))

        [invoice] = await invoices(seller, customer)
        first, second, third = await seller.payments(invoice)
        assert ["failed", "failed", "succeeded"] == [each["status"] for each in (first, second, third)]
        days = [datetime.fromisoformat(each["createdAt"]).date().isoformat() for each in (first, second, third)]
        assert ["2027-02-01", "2027-02-02", "2027-02-04"] == days
        case = await seller.tenant.get(f"/v1/billing/dunning-cases/{invoice['id']}")
        assert "recovered" == case["status"]

    async def test_is_what_people_act_by(self, seller: Merchant) -> None:
        time = await clock(seller)
        customer = await seller.customer(testClockId=time["id"])
        bought = await subscribed(seller, customer)
        await advance(seller, time, BEGIN + timedelta(days=14))

        await seller.post(f"/v1/billing/subscriptions/{bought['id']}/cancel", {"reason": "tried enough", "when": "now"})

        ended = await seller.tenant.get(f"/v1/billing/subscriptions/{bought['id']}")
        assert "2027-02-14" == ended["canceledAt"][:10]

    async def test_goes_forward_only_and_once_at_a_time(self, seller: Merchant) -> None:
        time = await clock(seller)
        path = f"{CLOCKS}/{time['id']}/advance"

        back = await seller.post(path, {"to": (BEGIN - timedelta(days=1)).isoformat()}, status=422)
        far = await seller.post(path, {"to": (BEGIN + timedelta(days=800)).isoformat()}, status=422)
        past = await seller.post(CLOCKS, {"name": "x", "now": "2020-01-01T00:00:00Z"}, status=422)
        nobody = await seller.post(
            "/v1/billing/customers",
            {"name": "x", "email": "x@x.example", "currency": "EUR", "testClockId": "clk_01h455vb4pex5vsknk084sn02q"},
            status=422,
        )

        assert {"billing.clock_instant_invalid"} == {back["code"], far["code"], past["code"]}
        assert "billing.clock_unknown" == nobody["code"]

    async def test_leaves_everybody_else_in_the_present(self, seller: Merchant, neighbour: Tenant) -> None:
        time = await clock(seller)
        other = await seller.customer()
        bought = await subscribed(seller, other)

        await advance(seller, time, BEGIN + timedelta(days=300))

        assert 1 == len(await invoices(seller, other))
        assert (
            bought["periodEnd"] == (await seller.tenant.get(f"/v1/billing/subscriptions/{bought['id']}"))["periodEnd"]
        )
