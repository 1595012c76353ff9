"""What is sold once: products and items, invoices for them alone, and lines that go with the next invoice."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Stack
from paying import Merchant, merchant

PRODUCTS, ITEMS, INVOICES = "/v1/billing/products", "/v1/billing/items", "/v1/billing/invoices"
TRAINING = {
    "code": "training",
    "name": "On-site training",
    "product": "map",
    "prices": {"EUR": {"model": "per_unit", "unitPrice": "1200.00"}},
}


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    """One that sells a book at 7 % with the tax in its price, and training."""
    seller = await merchant(stack, "The Trainers")
    await seller.post(PRODUCTS, {"code": "map", "name": "Harbour map"}, status=201)
    await seller.post(ITEMS, TRAINING, status=201)
    book = {"model": "per_unit", "unitPrice": "21.40"}
    await seller.post(
        ITEMS, {"code": "book", "name": "Pilot book", "taxCategory": "books", "prices": {"EUR": book}}, status=201
    )
    taxes = [
        {"country": "DE", "name": "USt.", "percent": "19"},
        {"country": "DE", "category": "books", "name": "USt.", "percent": "7", "inclusive": True},
    ]
    terms = {"name": "Initrode", "country": "DE", "numberPrefix": "DE", "graceHours": 24, "taxes": taxes}
    changed = await seller.tenant.http.put(
        "/v1/billing/legal-entities/de", json=terms, headers={**seller.tenant.headers, "If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    return seller


def minors(content: dict[str, Any]) -> tuple[int, int, int]:
    net, tax, total = (content[name]["minor"] for name in ("net", "taxAmount", "total"))
    return net, tax, total


class TestInvoice:
    async def test_charges_each_line_with_the_tax_of_its_category(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        lines = [
            {"item": "training", "quantity": "2"},
            {"item": "book", "quantity": "3"},
            {"name": "Travel", "unitPrice": "99.995", "quantity": "1"},
        ]

        made = await seller.post(INVOICES, {"customerId": customer["id"], "lines": lines, "finalize": True}, status=201)

        assert "open" == made["status"]
        assert made["number"].startswith("DE-")
        assert made["subscriptionId"] is None
        # Net 2,400.00 + 100.00 at 19 %; 64.20 with 7 % in it, which are 4.20.
        assert (256_000, 47_920, 303_920) == minors(made["content"])
        by_percent = {each["tax"]["percent"]: each["amount"]["minor"] for each in made["content"]["taxes"]}
        assert {"19": 47_500, "7": 420} == by_percent
        booked = await seller.booked(made)
        assert {"receivable": 303_920, "tax_payable": -47_920, "revenue": -256_000} == booked

    async def test_is_a_draft_for_a_while_and_is_collected_when_it_is_final(self, seller: Merchant) -> None:
        customer = await seller.customer()
        wish = {"customerId": customer["id"], "lines": [{"item": "training"}]}

        draft = await seller.post(INVOICES, wish, status=201)
        final = await seller.post(f"{INVOICES}/{draft['id']}/finalize")

        assert ("draft", "open") == (draft["status"], final["status"])
        await seller.payment(final, "succeeded")
        assert "paid" == (await seller.invoice(final))["status"]

    async def test_of_a_period_is_earned_over_it(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        line = {
            "name": "Support in 2031",
            "unitPrice": "1200.00",
            "periodStart": "2031-01-01T00:00:00Z",
            "periodEnd": "2032-01-01T00:00:00Z",
        }

        made = await seller.post(INVOICES, {"customerId": customer["id"], "lines": [line], "finalize": True})

        entries = (await seller.tenant.get("/v1/billing/ledger/entries", invoiceId=made["id"], limit=200))["items"]
        earned = [each for each in entries if each["kind"] == "revenue_recognized"]
        assert 12 == len(earned)
        assert {"2031"} == {each["day"][:4] for each in earned}

    async def test_that_is_voided_as_a_draft_charges_nothing_later(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        draft = await seller.post(INVOICES, {"customerId": customer["id"], "lines": [{"item": "training"}]})

        await seller.post(f"{INVOICES}/{draft['id']}/void", {"reason": "asked for by mistake"})
        final = await seller.final(customer)

        assert ["licence"] == [each["chargeCode"] for each in final["content"]["lines"]]

    async def test_has_a_pdf_that_names_both_taxes(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        lines = [{"item": "training"}, {"item": "book"}]
        made = await seller.post(INVOICES, {"customerId": customer["id"], "lines": lines, "finalize": True})

        document = await seller.tenant.http.get(f"{INVOICES}/{made['id']}/document", headers=seller.tenant.headers)

        assert document.content.startswith(b"%PDF")

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ({"item": "nothing"}, "billing.item_unknown"),
            ({"name": "Travel"}, "billing.line_invalid"),
            ({"item": "training", "unitPrice": "1"}, "billing.line_invalid"),
            ({"item": "training", "periodStart": "2027-01-01T00:00:00Z"}, "billing.line_invalid"),
            ({"item": "training", "quantity": "0"}, "kernel.invalid"),
        ],
        ids=["no such item", "no price", "two prices", "half a period", "none of it"],
    )
    async def test_of_what_cannot_be_is_refused(self, seller: Merchant, line: dict[str, Any], code: str) -> None:
        customer = await seller.customer(card=None)

        refused = await seller.post(INVOICES, {"customerId": customer["id"], "lines": [line]}, status=422)

        assert code == refused["code"]
        page = await seller.tenant.get(INVOICES, customerId=customer["id"])
        assert [] == page["items"]


class TestLines:
    async def test_go_with_the_next_invoice_of_the_subscription(self, seller: Merchant) -> None:
        customer = await seller.customer(card=None)
        draft = await seller.draft(customer)
        path = f"/v1/billing/subscriptions/{draft['subscriptionId']}/lines"

        [added] = await seller.post(path, {"lines": [{"item": "book", "quantity": "2"}]}, status=201)
        final = await seller.post(f"{INVOICES}/{draft['id']}/finalize")

        assert added["planCode"] is None
        assert {"licence", "book"} == {each["chargeCode"] for each in final["content"]["lines"]}


class TestCatalogue:
    async def test_of_items_changes_what_is_sold_from_then_on(self, seller: Merchant) -> None:
        terms = {name: TRAINING[name] for name in ("name", "product", "prices")}
        dearer = {**terms, "prices": {"EUR": {"model": "per_unit", "unitPrice": "1300.00"}}}
        tenant = seller.tenant

        changed = await tenant.http.put(f"{ITEMS}/training", json=dearer, headers={**tenant.headers, "If-Match": '"1"'})
        late = await tenant.http.put(f"{ITEMS}/training", json=terms, headers={**tenant.headers, "If-Match": '"1"'})
        back = await tenant.http.put(f"{ITEMS}/training", json=terms, headers={**tenant.headers, "If-Match": '"2"'})

        assert (200, 412, 200) == (changed.status_code, late.status_code, back.status_code)
        assert '"2"' == changed.headers["ETag"]

    async def test_refuses_what_is_there_and_what_is_not(self, seller: Merchant) -> None:
        twice = await seller.post(PRODUCTS, {"code": "map", "name": "Map"}, status=409)
        again = await seller.post(ITEMS, TRAINING, status=409)
        lost = await seller.post(ITEMS, {**TRAINING, "code": "lost", "product": "nothing"}, status=422)
        terms = {
            "name": "Lost",
            "product": "nothing",
            "interval": "month",
            "charges": [
                {"kind": "once", "code": "x", "name": "X", "prices": {"EUR": {"model": "flat", "amount": "1"}}}
            ],
        }
        plan = await seller.post("/v1/billing/plans", {"code": "lost", "terms": terms}, status=422)

        assert ("billing.product_exists", "billing.item_exists") == (twice["code"], again["code"])
        assert {"billing.product_unknown"} == {lost["code"], plan["code"]}
