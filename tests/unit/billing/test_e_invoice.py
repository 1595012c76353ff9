"""Invoices as data: whatever is invoiced, EN 16931's own schemas and rules have nothing against it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import facturx
import pytest
from e_invoices import broken_rules
from hypothesis import given, settings
from hypothesis import strategies as st
from subscribed import BEGIN, begun_on, customer, entity, item, plan, recurring

from adapters.billing.e_invoice import credit_note_xml, invoice_pdf, invoice_xml
from domain.billing import lifecycle
from domain.billing.coupon_model import LineDiscount
from domain.billing.credit_note_model import CreditNote, CreditNoteContent, CreditNoteLine, CreditNoteReason
from domain.billing.e_invoicing import Syntax
from domain.billing.ids import CreditNoteId, InvoiceId, RedemptionId
from domain.billing.invoice_errors import EInvoiceNotPossible
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.invoicing import invoiced
from domain.kernel.money import Money

FLAVORS = {Syntax.CII: "factur-x", Syntax.UBL: "ubl-2.1"}
SELLER = {"address": ("Hauptstr. 1", "10115 Berlin"), "tax_id": "DE136695976", "payment_details": None}
IBAN = "IBAN DE02 1203 0000 0000 2020 51, Initrode"


def invoice(
    *,
    country: str | None = "DE",
    tax_id: str | None = None,
    inclusive: bool = False,
    prices: tuple[str, ...] = ("12.99",),
    off: str = "0.00",
    applied: int = 0,
    status: InvoiceStatus = InvoiceStatus.OPEN,
    **selling: Any,
) -> Invoice:
    """Three seats of everything, five from the middle of the month on."""
    charges = [recurring(f"seats-{each}", price, per_seat=True) for each, price in enumerate(prices)]
    terms = {("team", 1): plan(*charges)}
    begun = begun_on(terms, item("team", 3))
    changed = lifecycle.change(begun.subscription, (item("team", 5),), terms, at=BEGIN + timedelta(days=14))
    accruals = [*begun.accruals, *changed.accruals]
    redemption = RedemptionId("rdm_01h455vb4pex5vsknk084sn02q")
    taken = LineDiscount(redemption_id=redemption, coupon="welcome", name="Welcome", amount=Money.parse(off, "EUR"))
    discounts = {accruals[0].key: (taken,)}
    seller = entity(inclusive=inclusive).model_copy(update={**SELLER, **selling})
    content = invoiced(accruals, seller, customer(country, tax_id), discounts)
    final = status not in (InvoiceStatus.DRAFT, InvoiceStatus.VOID)
    return Invoice(
        id=InvoiceId("inv_01h455vb4pex5vsknk084sn02q"),
        customer_id=begun.subscription.customer_id,
        subscription_id=begun.subscription.id,
        status=status,
        number="DE-2026-000417" if final else None,
        content=content,
        due=content.total - content.total.of(minor=applied),
        created_at=BEGIN,
        finalize_at=BEGIN,
        finalized_at=BEGIN,
        due_at=BEGIN + timedelta(days=14),
    )


def xml_of(told: Invoice, syntax: Syntax, *, applied: int = 0) -> bytes:
    return invoice_xml(told, told.due.of(minor=applied), syntax)


def pdf_of(told: Invoice) -> bytes:
    return invoice_pdf(told, told.due.of(minor=0))


def payable(xml: bytes, told: Invoice) -> Money:
    """What it says is still to be paid (BT-115)."""
    [amount] = re.findall(rb"(?:DuePayableAmount|PayableAmount)[^>]*>([-.0-9]+)<", xml)
    return Money.parse(amount.decode(), told.content.currency)


def note(of: Invoice, *, lessened: int = 0) -> CreditNote:
    """All of it is given back."""
    content = of.content
    nothing = content.total.of(minor=0)
    known = {name: getattr(content, name) for name in CreditNoteContent.model_fields if name != "lines"}
    lines = tuple(
        CreditNoteLine(key=line.key, name=line.name, tax=line.tax, taxed=line.taxed) for line in content.lines
    )
    return CreditNote(
        id=CreditNoteId("crn_01h455vb4pex5vsknk084sn02q"),
        number="DE-CN-2026-000017",
        customer_id=of.customer_id,
        invoice_id=of.id,
        invoice_number=of.number,
        subscription_id=None,
        reason=CreditNoteReason.DUPLICATE,
        note=None,
        content=CreditNoteContent(**known, lines=lines),
        lessened_due=nothing.of(minor=lessened),
        credited=nothing,
        refunded=content.total.of(minor=content.total.minor - lessened),
        created_at=BEGIN,
    )


KINDS: dict[str, dict[str, Any]] = {
    "at home": {},
    "of who has no country": {"country": None},
    "with the tax in the price": {"inclusive": True, "prices": ("12.99", "0.07", "19.95")},
    "reverse charge": {"country": "FR", "tax_id": "FR40303265045"},
    "not taxed there": {"country": "US", "tax_id": "12-3456789"},
    "with a discount": {"off": "5.00"},
    "half paid with credit": {"applied": 1_000},
    "paid with credit": {"applied": 6_183, "status": InvoiceStatus.PAID},
    "to an account": {"payment_details": IBAN},
    "by cheque": {"payment_details": "Cheques to Initrode GmbH"},
    "with a long address": {"address": ("Haus Harbor", "Hinterhof", "3. Stock", "Hauptstr. 1", "10115 Berlin")},
}


class TestEInvoice:
    @pytest.mark.parametrize("syntax", Syntax)
    @pytest.mark.parametrize("kind", KINDS)
    def test_breaks_no_rule(self, kind: str, syntax: Syntax) -> None:
        told = invoice(**KINDS[kind])

        xml = xml_of(told, syntax, applied=KINDS[kind].get("applied", 0))

        assert [] == broken_rules(xml, FLAVORS[syntax])
        owed = told.due if told.status is InvoiceStatus.OPEN else told.due.of(minor=0)
        assert owed == payable(xml, told)

    @pytest.mark.parametrize("syntax", Syntax)
    @pytest.mark.parametrize("kind", ["at home", "with the tax in the price", "reverse charge", "not taxed there"])
    def test_of_a_credit_note_breaks_none_either(self, kind: str, syntax: Syntax) -> None:
        xml = credit_note_xml(note(invoice(**KINDS[kind])), syntax)

        assert [] == broken_rules(xml, FLAVORS[syntax])
        assert "DE-2026-000417" in xml.decode()

    @settings(max_examples=25)
    @given(prices=st.lists(st.decimals("0.01", "9999.99", places=2).map(str), min_size=1, max_size=4), included=...)
    def test_breaks_none_at_any_price(self, prices: list[str], included: bool) -> None:
        xml = xml_of(invoice(prices=tuple(prices), inclusive=included), Syntax.CII)

        assert [] == broken_rules(xml, "factur-x")

    def test_is_judged_by_rules_that_find_mistakes(self) -> None:
        xml = xml_of(invoice(), Syntax.CII).replace(b"<ram:GrandTotalAmount>61.83", b"<ram:GrandTotalAmount>61.84")

        assert any("BR-CO-15" in rule for rule in broken_rules(xml, "factur-x"))

    def test_says_quantity_and_price_where_they_are_the_amount(self) -> None:
        xml = xml_of(invoice(), Syntax.CII).decode()

        assert '<ram:BilledQuantity unitCode="C62">3<' in xml
        assert "<ram:ChargeAmount>12.99<" in xml
        assert '<ram:BilledQuantity unitCode="C62">-1<' in xml

    def test_knows_the_account_by_its_check_digits(self) -> None:
        right, wrong = [
            xml_of(invoice(payment_details=details), Syntax.CII).decode()
            for details in (IBAN, IBAN.replace("DE02", "DE03"))
        ]

        assert "<ram:IBANID>DE02120300000000202051<" in right
        assert "IBANID" not in wrong
        assert "DE03" in wrong

    @pytest.mark.parametrize("words", [IBAN, f"{IBAN} BIC BYLADEM1001", "DE02120300000000202051 Initrode GmbH"])
    def test_finds_the_account_among_words(self, words: str) -> None:
        assert b"<ram:IBANID>DE02120300000000202051<" in xml_of(invoice(payment_details=words), Syntax.CII)

    def test_that_is_paid_asks_for_nothing(self) -> None:
        told = invoice(payment_details=IBAN, status=InvoiceStatus.PAID)

        xml = xml_of(told, Syntax.CII)

        assert 0 == payable(xml, told).minor
        assert b"IBANID" not in xml
        assert [] == broken_rules(xml, "factur-x")

    def test_and_its_credit_note_come_to_what_is_due(self) -> None:
        told = invoice()
        lessened = told.model_copy(update={"due": told.due.of(minor=told.due.minor - 2_000)})

        both = [xml_of(lessened, Syntax.CII), credit_note_xml(note(told, lessened=2_000), Syntax.CII)]

        [owed, given] = [payable(xml, told) for xml in both]
        assert lessened.due == owed - given

    @pytest.mark.parametrize("number", ["fr40303265045", "FR 40.303.265.045"])
    def test_knows_a_vat_number_however_it_is_written(self, number: str) -> None:
        xml = xml_of(invoice(country="FR", tax_id=number), Syntax.CII)

        assert b'<ram:ID schemeID="VA">FR40303265045<' in xml
        assert [] == broken_rules(xml, "factur-x")

    def test_leaves_out_what_xml_cannot_write(self) -> None:
        told = invoice(name="Ini\x1btrode\ufffe")

        assert b"<ram:Name>Initrode<" in xml_of(told, Syntax.CII)
        assert pdf_of(told).startswith(b"%PDF-")

    @pytest.mark.parametrize("status", [InvoiceStatus.DRAFT, InvoiceStatus.VOID])
    def test_is_of_what_is_owed(self, status: InvoiceStatus) -> None:
        with pytest.raises(EInvoiceNotPossible) as refused:
            xml_of(invoice(status=status), Syntax.UBL)

        assert status.value in refused.value.details["reason"]

    def test_needs_a_seller_with_a_tax_id(self) -> None:
        told = invoice()
        nameless = told.content.seller.model_copy(update={"tax_id": None})
        content = told.content.model_copy(update={"seller": nameless})

        with pytest.raises(EInvoiceNotPossible) as refused:
            xml_of(told.model_copy(update={"content": content}), Syntax.CII)

        assert "tax id" in refused.value.details["reason"]

    def test_has_no_third_decimal_place(self) -> None:
        told = invoice()
        content = told.content.model_copy(update={"currency": "BHD"})

        with pytest.raises(EInvoiceNotPossible) as refused:
            xml_of(told.model_copy(update={"content": content}), Syntax.CII)

        assert "BHD" in refused.value.details["reason"]


class TestDocument:
    def test_carries_its_data(self) -> None:
        told = invoice(payment_details=IBAN)

        name, xml = facturx.get_xml_from_pdf(pdf_of(told))

        assert ("factur-x.xml", xml_of(told, Syntax.CII)) == (name, xml)

    def test_that_no_font_can_set_wholly_carries_none(self) -> None:
        told = invoice()
        chinese = told.model_copy(update={"content": told.content.model_copy(update={"locale": "zh-Hans"})})

        assert (False, False) == facturx.get_xml_from_pdf(pdf_of(chinese))

    def test_of_a_draft_carries_none(self) -> None:
        assert (False, False) == facturx.get_xml_from_pdf(pdf_of(invoice(status=InvoiceStatus.DRAFT)))
