"""Subscriptions that get another billing day, and that another customer takes over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Stack
from paying import Merchant, merchant

from adapters.kernel.clock import utc_now

SUBSCRIPTIONS = "/v1/billing/subscriptions"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Movers")


async def bought(seller: Merchant, customer: dict[str, Any], **more: Any) -> dict[str, Any]:
    wish = {"customerId": customer["id"], "planCode": "monthly", "quantity": 1}
    sub: dict[str, Any] = await seller.post(SUBSCRIPTIONS, {**wish, **more}, status=201)
    return sub


async def lines(seller: Merchant, sub: dict[str, Any]) -> list[int]:
    """What was charged and credited, oldest first, in minor units."""
    page = await seller.tenant.get(f"{SUBSCRIPTIONS}/{sub['id']}/lines", limit=200)
    return [each["amount"]["minor"] for each in reversed(page["items"])]


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


class TestBillingDay:
    async def test_can_be_another(self, seller: Merchant) -> None:
        sub = await bought(seller, await seller.customer(None))
        day = (utc_now() + timedelta(days=10)).replace(microsecond=0)

        preview = await seller.post(f"{SUBSCRIPTIONS}/{sub['id']}/preview-change", {"anchor": day.isoformat()})
        moved = await seller.post(f"{SUBSCRIPTIONS}/{sub['id']}/change", {"anchor": day.isoformat()}, status=200)

        charged = await lines(seller, sub)
        assert day == at(moved["periodEnd"])
        assert ("renew", day) == (moved["next"]["name"], at(moved["next"]["at"]))
        # A period that was paid a moment ago is credited, and about a third of one is charged.
        assert [10_000, -10_000] == charged[:2]
        assert 3_100 < charged[2] < 3_700
        assert charged[1:] == [each["amount"]["minor"] for each in preview["accruals"]]
        page = await seller.tenant.get(f"{SUBSCRIPTIONS}/{sub['id']}/revisions")
        assert "realigned" == page["items"][0]["change"]

    async def test_is_at_most_one_interval_ahead_and_alone(self, seller: Merchant) -> None:
        sub = await bought(seller, await seller.customer(None))
        path = f"{SUBSCRIPTIONS}/{sub['id']}/change"
        soon, far = (utc_now() + timedelta(days=days) for days in (5, 40))

        refused = [
            await seller.post(path, {"anchor": far.isoformat()}, status=422),
            await seller.post(path, {"anchor": soon.isoformat(), "when": "period_end"}, status=422),
        ]

        assert ["billing.subscription_instant_invalid", "kernel.invalid"] == [each["code"] for each in refused]
        assert [10_000] == await lines(seller, sub)


class TestTransfer:
    async def test_goes_on_as_the_other_customers(self, seller: Merchant) -> None:
        giver, taker = [await seller.customer(None) for _ in range(2)]
        sub = await bought(seller, giver)

        moved = await seller.post(f"{SUBSCRIPTIONS}/{sub['id']}/transfer", {"customerId": taker["id"]}, status=201)

        old = await seller.tenant.get(f"{SUBSCRIPTIONS}/{sub['id']}")
        assert ("canceled", f"transferred as {moved['id']}") == (old["status"], old["cancelReason"])
        assert ("active", taker["id"], sub["periodEnd"]) == (moved["status"], moved["customerId"], moved["periodEnd"])
        assert [10_000, -10_000, 10_000] == [*await lines(seller, sub), *await lines(seller, moved)]
        told = await seller.tenant.get("/v1/bus/events", subject=moved["id"], type="billing.subscription.created")
        assert [taker["id"]] == [each["data"]["customerId"] for each in told["items"]]

    async def test_of_a_trial_leaves_it_as_long_as_it_was(self, seller: Merchant) -> None:
        giver, taker = [await seller.customer(None) for _ in range(2)]
        sub = await bought(seller, giver, trialDays=14)

        moved = await seller.post(f"{SUBSCRIPTIONS}/{sub['id']}/transfer", {"customerId": taker["id"]}, status=201)

        assert ("trialing", sub["trialEnd"]) == (moved["status"], moved["trialEnd"])
        assert [] == [*await lines(seller, sub), *await lines(seller, moved)]

    async def test_is_refused_to_who_cannot_have_it(self, seller: Merchant) -> None:
        giver = await seller.customer(None)
        sub = await bought(seller, giver)
        path, clock = (
            f"{SUBSCRIPTIONS}/{sub['id']}/transfer",
            await seller.post(
                "/v1/billing/test-clocks", {"name": "elsewhen", "now": (utc_now() + timedelta(days=1)).isoformat()}
            ),
        )
        dollars = await seller.customer(None, currency="USD")
        simulated = await seller.customer(None, testClockId=clock["id"])

        reasons = [
            (await seller.post(path, {"customerId": each["id"]}, status=409))["details"]["reason"]
            for each in (giver, dollars, simulated)
        ]

        assert [
            "the customer has it already",
            "the customer pays in USD",
            "the customers live by different test clocks",
        ] == reasons
        assert "active" == (await seller.tenant.get(f"{SUBSCRIPTIONS}/{sub['id']}"))["status"]
