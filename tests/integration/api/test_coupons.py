"""Coupons: redeemed once by a customer, for so many invoices, for what they are for, and never more than there is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conftest import Stack
from paying import Merchant, merchant

COUPONS, REDEMPTIONS = "/v1/billing/coupons", "/v1/billing/coupon-redemptions"
INVOICES, SUBSCRIPTIONS = "/v1/billing/invoices", "/v1/billing/subscriptions"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    seller = await merchant(stack, "The Generous")
    await coupon(seller, "twenty", {"kind": "percent", "percent": "20"})
    await coupon(seller, "always", {"kind": "percent", "percent": "10"}, duration="forever")
    await coupon(seller, "fifty", {"kind": "amount", "amounts": {"EUR": "50.00"}}, duration="repeating", invoices=2)
    return seller


async def coupon(seller: Merchant, code: str, discount: dict[str, Any], **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = await seller.post(
        COUPONS, {"code": code, "name": code.title(), "discount": discount, **more}, status=201
    )
    return made


async def redeem(seller: Merchant, code: str, customer: dict[str, Any], *, status: int = 201) -> dict[str, Any]:
    wish = {"coupon": code, "customerId": customer["id"]}
    redeemed: dict[str, Any] = await seller.post(REDEMPTIONS, wish, status=status)
    return redeemed


async def billed(seller: Merchant, customer: dict[str, Any], *amounts: str) -> dict[str, Any]:
    """A final one-off invoice for these."""
    lines = [{"name": f"Line {number}", "unitPrice": amount} for number, amount in enumerate(amounts)]
    wish = {"customerId": customer["id"], "lines": lines, "finalize": True}
    made: dict[str, Any] = await seller.post(INVOICES, wish, status=201)
    return made


def net(invoice: dict[str, Any]) -> int:
    minor: int = invoice["content"]["net"]["minor"]
    return minor


class TestCoupon:
    async def test_for_one_invoice_lessens_one(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        redeemed = await redeem(seller, "twenty", customer)

        first, second = await billed(seller, customer, "100.00"), await billed(seller, customer, "100.00")

        assert (8_000, 10_000) == (net(first), net(second))
        [taken] = first["content"]["lines"][0]["discounts"]
        assert ("twenty", 2_000, redeemed["id"]) == (taken["coupon"], taken["amount"]["minor"], taken["redemptionId"])
        assert 1_520 == first["content"]["taxAmount"]["minor"], "tax is on what is paid"
        assert {"receivable": 9_520, "tax_payable": -1_520, "revenue": -8_000} == await seller.booked(first)
        [kept] = (await seller.tenant.get(REDEMPTIONS, customerId=customer["id"]))["items"]
        assert kept["endedAt"] is not None

    async def test_for_several_counts_those_that_it_lessens(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        await redeem(seller, "fifty", customer)

        nets = [net(await billed(seller, customer, "30.00", "60.00")) for _ in range(3)]

        assert [4_000, 4_000, 9_000] == nets

    async def test_never_takes_more_than_there_is(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        await redeem(seller, "fifty", customer)

        made = await billed(seller, customer, "12.00")

        assert (0, "paid") == (net(made), made["status"])

    async def test_is_redeemed_with_a_subscription_before_its_first_invoice(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        order = {"customerId": customer["id"], "planCode": "monthly", "coupon": "always"}

        bought = await seller.post(SUBSCRIPTIONS, order, status=201)

        [draft] = (await seller.tenant.get(INVOICES, subscriptionId=bought["id"]))["items"]
        assert 9_000 == net(draft)
        upcoming = await seller.tenant.get(f"{SUBSCRIPTIONS}/{bought['id']}/upcoming-invoice")
        assert 9_000 == upcoming["net"]["minor"]

    async def test_is_not_given_back_with_a_credit(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        order = {"customerId": customer["id"], "planCode": "monthly", "coupon": "twenty"}
        bought = await seller.post(SUBSCRIPTIONS, order, status=201)
        [draft] = (await seller.tenant.get(INVOICES, subscriptionId=bought["id"]))["items"]
        await seller.post(f"{INVOICES}/{draft['id']}/finalize")

        await seller.post(f"{SUBSCRIPTIONS}/{bought['id']}/pause")

        lines = (await seller.tenant.get(f"{SUBSCRIPTIONS}/{bought['id']}/lines"))["items"]
        credit = next(each for each in lines if each["amount"]["minor"] < 0)
        await seller.post(f"{SUBSCRIPTIONS}/{bought['id']}/resume")
        [again, _] = (await seller.tenant.get(INVOICES, subscriptionId=bought["id"]))["items"]
        told = next(each for each in again["content"]["lines"] if each["key"] == credit["key"])
        assert told["taxed"]["net"]["minor"] == round(credit["amount"]["minor"] * 0.8)

    async def test_is_used_once_by_invoices_that_become_final_at_the_same_time(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        await redeem(seller, "twenty", customer)

        made = await asyncio.gather(*(billed(seller, customer, "100.00") for _ in range(6)))

        assert [8_000, *[10_000] * 5] == sorted(net(each) for each in made)

    async def test_that_is_ended_lessens_nothing_more(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        redeemed = await redeem(seller, "always", customer)
        await seller.post(f"{REDEMPTIONS}/{redeemed['id']}/end")

        assert 10_000 == net(await billed(seller, customer, "100.00"))

    async def test_is_for_what_it_names(self, seller: Merchant) -> None:
        await coupon(seller, "licences", {"kind": "percent", "percent": "50"}, plans=["monthly"])
        customer = await seller.customer(card=None)
        await redeem(seller, "licences", customer)

        alone, licence = await billed(seller, customer, "100.00"), await seller.final(customer)

        assert (10_000, 5_000) == (net(alone), net(licence))

    async def test_is_redeemed_as_often_as_it_may(self, seller: Merchant) -> None:
        await coupon(seller, "two", {"kind": "percent", "percent": "5"}, mostRedemptions=2)
        customers = [await seller.customer(card=None) for _ in range(5)]

        async def wish(customer: dict[str, Any]) -> int:
            body = {"coupon": "two", "customerId": customer["id"]}
            answer = await seller.tenant.http.post(REDEMPTIONS, json=body, headers=seller.tenant.headers)
            return answer.status_code

        assert [201, 201, 409, 409, 409] == sorted(await asyncio.gather(*map(wish, customers)))

    @pytest.mark.parametrize(
        ("more", "reason"),
        [
            ({"redeemBy": "2020-01-01T00:00:00Z"}, "until 2020-01-01"),
            ({"isActive": False}, "retired"),
            ({"discount": {"kind": "amount", "amounts": {"JPY": "500"}}}, "no amount in EUR"),
        ],
        ids=["too late", "retired", "another currency"],
    )
    async def test_that_cannot_be_redeemed_says_why(self, seller: Merchant, more: dict[str, Any], reason: str) -> None:
        code = reason.split(maxsplit=1)[0]
        body = {"kind": "percent", "percent": "5"}
        await coupon(seller, code, **{"discount": body, **more})

        refused = await redeem(seller, code, await seller.customer(card=None), status=409)

        assert "billing.coupon_not_redeemable" == refused["code"]
        assert reason in refused["details"]["reason"]

    async def test_is_redeemed_once_by_a_customer(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        await redeem(seller, "twenty", customer)

        again = await redeem(seller, "twenty", customer, status=409)
        nobody = await redeem(seller, "nothing", customer, status=422)

        assert "the customer has redeemed it" == again["details"]["reason"]
        assert "billing.coupon_unknown" == nobody["code"]

    async def test_that_says_half_is_refused(self, seller: Merchant) -> None:
        body = {"code": "half", "name": "Half", "discount": {"kind": "percent", "percent": "5"}}

        nobody_knows = await seller.post(COUPONS, {**body, "duration": "repeating"}, status=422)
        too_much = await seller.post(COUPONS, {**body, "discount": {"kind": "percent", "percent": "101"}}, status=422)

        assert {"kernel.invalid"} == {nobody_knows["code"], too_much["code"]}
