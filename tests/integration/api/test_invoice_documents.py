"""Invoices for people and for programs: in the customer's language, and as EN 16931 has them."""

from __future__ import annotations

from typing import Any

import facturx
import pytest
from conftest import Stack
from e_invoices import broken_rules
from paying import Merchant, merchant
from people import code

INVOICES = "/v1/billing/invoices"


@pytest.fixture(scope="module")
async def seller(stack: Stack) -> Merchant:
    return await merchant(stack, "The Printers")


async def draft(seller: Merchant, **customer: Any) -> dict[str, Any]:
    """Of a new customer, for one line."""
    buyer = await seller.customer(card=None, **customer)
    wish = {"customerId": buyer["id"], "lines": [{"name": "Training", "unitPrice": "1200.00", "quantity": "2"}]}
    made: dict[str, Any] = await seller.post(INVOICES, wish, status=201)
    return made


class TestDocument:
    async def test_is_a_pdf_in_the_customers_language(self, seller: Merchant) -> None:
        invoice = await draft(seller, locale="de-DE", address=["Ringstr. 1", "50667 Köln"])
        final = await seller.post(f"{INVOICES}/{invoice['id']}/finalize")

        answer = await seller.tenant.http.get(f"{INVOICES}/{final['id']}/document", headers=seller.tenant.headers)

        assert (200, "application/pdf") == (answer.status_code, answer.headers["Content-Type"])
        assert f'"{final["number"]}.pdf"' in answer.headers["Content-Disposition"]
        assert answer.content.startswith(b"%PDF-")

    @pytest.mark.parametrize(("syntax", "flavor"), [("cii", "factur-x"), ("ubl", "ubl-2.1")])
    async def test_can_be_had_as_data(self, seller: Merchant, syntax: str, flavor: str) -> None:
        invoice = await draft(seller, country="AT", taxId="ATU13585627")
        path = f"{INVOICES}/{invoice['id']}"
        known: dict[str, Any] = {"params": {"syntax": syntax}, "headers": seller.tenant.headers}

        early = await seller.tenant.http.get(f"{path}/e-invoice", **known)
        final = await seller.post(f"{path}/finalize")
        answer = await seller.tenant.http.get(f"{path}/e-invoice", **known)
        paper = await seller.tenant.http.get(f"{path}/document", headers=seller.tenant.headers)

        _, within = facturx.get_xml_from_pdf(paper.content)
        assert (409, "billing.e_invoice_not_possible") == (early.status_code, code(early))
        assert (200, "application/xml") == (answer.status_code, answer.headers["Content-Type"])
        assert f'"{final["number"]}.xml"' in answer.headers["Content-Disposition"]
        assert [] == broken_rules(answer.content, flavor)
        assert (within == answer.content) is (syntax == "cii")
