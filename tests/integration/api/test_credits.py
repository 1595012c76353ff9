"""Credits: given or bought, spent in their order and once, returned, expired, and owed in the ledger meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import Stack, until
from paying import Merchant, merchant

from adapters.kernel.clock import utc_now

GRANTS, INVOICES = "/v1/billing/credit-grants", "/v1/billing/invoices"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Creditors")


async def grant(seller: Merchant, customer: dict[str, Any], amount: str, **more: Any) -> dict[str, Any]:
    wish = {"customerId": customer["id"], "amount": amount, **more}
    made: dict[str, Any] = await seller.post(GRANTS, wish, status=201)
    return made


async def billed(seller: Merchant, customer: dict[str, Any], amount: str) -> dict[str, Any]:
    """A final one-off invoice over this and 19 % of tax."""
    wish = {"customerId": customer["id"], "lines": [{"name": "Work", "unitPrice": amount}], "finalize": True}
    made: dict[str, Any] = await seller.post(INVOICES, wish, status=201)
    return made


async def balance(seller: Merchant, customer: dict[str, Any]) -> int:
    found = await seller.tenant.get(f"/v1/billing/customers/{customer['id']}/credit-balance")
    minor: int = found["balance"]["minor"]
    return minor


async def owed(seller: Merchant, customer: dict[str, Any]) -> int:
    """What the ledger says that a customer has to spend."""
    page = await seller.tenant.get("/v1/billing/ledger/entries", customerId=customer["id"], limit=200)
    postings = [each for entry in page["items"] for each in entry["postings"]]
    minor: int = -sum(each["amount"]["minor"] for each in postings if each["account"] == "customer_credit")
    return minor


class TestGift:
    async def test_pays_before_money_does(self, seller: Merchant) -> None:
        customer = await seller.customer()
        given = await grant(seller, customer, "50.00")

        invoice = await billed(seller, customer, "100.00")

        assert (11_900, 6_900) == (invoice["content"]["total"]["minor"], invoice["due"]["minor"])
        paid = await seller.payment(invoice, "succeeded")
        assert 6_900 == paid["amount"]["minor"]
        assert 6_900 == (await seller.charges())[-1]["amount_captured"]
        booked = await seller.booked(invoice)
        assert {"customer_credit": 5_000, "stripe": 6_900, "tax_payable": -1_900, "revenue": -10_000} == booked
        [use] = await seller.tenant.get(f"{GRANTS}/{given['id']}/uses")
        assert (invoice["id"], 5_000) == (use["invoiceId"], use["amount"]["minor"])

    async def test_that_covers_it_all_leaves_nothing_to_collect(self, seller: Merchant) -> None:
        customer = await seller.customer()
        await grant(seller, customer, "500.00")

        invoice = await billed(seller, customer, "100.00")

        assert ("paid", "credit_balance", 0) == (invoice["status"], invoice["paidBy"], invoice["due"]["minor"])
        assert [] == await seller.payments(invoice)
        assert 38_100 == await balance(seller, customer) == await owed(seller, customer)

    async def test_is_spent_once_by_invoices_that_become_final_at_the_same_time(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        for amount in ("30.00", "30.00", "40.00"):
            await grant(seller, customer, amount)

        made = await asyncio.gather(*(billed(seller, customer, "20.00") for _ in range(8)))

        assert 10_000 == sum(each["content"]["total"]["minor"] - each["due"]["minor"] for each in made)
        assert 0 == await balance(seller, customer) == await owed(seller, customer)

    async def test_is_used_by_priority_and_what_expires_first(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        later, sooner = (utc_now() + timedelta(days=days) for days in (20, 10))
        never = await grant(seller, customer, "10.00")
        last = await grant(seller, customer, "10.00", priority=90, expiresAt=sooner.isoformat())
        second = await grant(seller, customer, "10.00", expiresAt=later.isoformat())
        first = await grant(seller, customer, "10.00", expiresAt=sooner.isoformat())

        await billed(seller, customer, "21.01")

        left = [
            (await seller.tenant.get(f"{GRANTS}/{each['id']}"))["remaining"]["minor"]
            for each in (first, second, never, last)
        ]
        assert [0, 0, 500, 1_000] == left

    async def test_comes_back_with_an_invoice_that_is_voided(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        await grant(seller, customer, "50.00")
        invoice = await billed(seller, customer, "100.00")

        await seller.post(f"{INVOICES}/{invoice['id']}/void", {"reason": "billed twice"})

        assert 5_000 == await balance(seller, customer) == await owed(seller, customer)
        assert {} == await seller.booked(invoice)

    async def test_can_be_taken_back(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        given = await grant(seller, customer, "50.00")

        voided = await seller.post(f"{GRANTS}/{given['id']}/void", {"reason": "the wrong customer"})
        again = await seller.post(f"{GRANTS}/{given['id']}/void", {"reason": "once more"}, status=409)

        assert ("voided", 0) == (voided["status"], voided["remaining"]["minor"])
        assert "billing.credit_grant_step_not_possible" == again["code"]
        assert 0 == await balance(seller, customer) == await owed(seller, customer)

    @pytest.mark.parametrize(
        ("wish", "code"),
        [
            ({"amount": "0"}, "kernel.invalid"),
            ({"amount": "1.005"}, "billing.credit_grant_invalid"),
            ({"amount": "1.00", "expiresAt": "2020-01-01T00:00:00Z"}, "billing.credit_grant_invalid"),
        ],
        ids=["nothing", "finer than a cent", "over already"],
    )
    async def test_of_what_cannot_be_is_refused(self, seller: Merchant, wish: dict[str, Any], code: str) -> None:
        customer = await seller.customer(card=None)

        refused = await seller.post(GRANTS, {"customerId": customer["id"], **wish}, status=422)

        assert code == refused["code"]


class TestPurchase:
    async def test_can_be_spent_once_it_is_paid(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        bought = await grant(seller, customer, "200.00", kind="prepaid", name="Two hundred")
        found = await seller.tenant.get(f"/v1/billing/customers/{customer['id']}/credit-balance")
        invoice = await seller.invoice({"id": bought["invoiceId"]})

        before = await billed(seller, customer, "100.00")
        await seller.post(f"{INVOICES}/{invoice['id']}/mark-paid", {"method": "bank_transfer"})
        after = await billed(seller, customer, "100.00")

        assert ("pending", 0, 20_000) == (bought["status"], found["balance"]["minor"], found["pending"]["minor"])
        assert 0 == invoice["content"]["taxAmount"]["minor"], "tax is on what it is spent on"
        assert (11_900, 0) == (before["due"]["minor"], after["due"]["minor"])
        assert {"bank": 20_000, "customer_credit": -20_000} == await seller.booked(invoice)
        assert 8_100 == await balance(seller, customer) == await owed(seller, customer)

    async def test_is_not_paid_with_credit(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        await grant(seller, customer, "500.00")

        bought = await grant(seller, customer, "100.00", kind="prepaid")

        assert 10_000 == (await seller.invoice({"id": bought["invoiceId"]}))["due"]["minor"]

    async def test_that_is_voided_grants_nothing(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        bought = await grant(seller, customer, "100.00", kind="prepaid")

        await seller.post(f"{INVOICES}/{bought['invoiceId']}/void", {"reason": "changed their mind"})

        assert "voided" == (await seller.tenant.get(f"{GRANTS}/{bought['id']}"))["status"]
        assert 0 == await owed(seller, customer)


class TestExpiry:
    async def test_comes_in_its_time(self, seller: Merchant) -> None:
        begin = datetime(2027, 1, 31, 9, 0, tzinfo=UTC)
        clock = await seller.post("/v1/billing/test-clocks", {"name": "Expiry", "now": begin.isoformat()})
        customer = await seller.customer(card=None, testClockId=clock["id"])
        given = await grant(seller, customer, "50.00", expiresAt=(begin + timedelta(days=30)).isoformat())
        await billed(seller, customer, "10.00")

        wish = {"to": (begin + timedelta(days=40)).isoformat()}
        await seller.post(f"/v1/billing/test-clocks/{clock['id']}/advance", wish, status=202)

        async def expired() -> dict[str, Any] | None:
            found: dict[str, Any] = await seller.tenant.get(f"{GRANTS}/{given['id']}")
            return found if found["status"] == "expired" else None

        found = await until(expired, what="the grant to expire")
        assert 0 == found["remaining"]["minor"] == await owed(seller, customer)
        assert "2027-03-02" == found["closedAt"][:10]
        progress = await seller.tenant.get(f"{GRANTS}/{given['id']}/progress")
        assert progress["over"]
