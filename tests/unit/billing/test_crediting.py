"""Credit notes: whatever is given back in parts has the tax of the whole, and ends at nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from subscribed import BEGIN, begun_on, customer, entity, item, plan, recurring

from adapters.billing.credit_note_document import told
from adapters.billing.paper import pdf
from domain.billing.credit_note_model import CreditNote, CreditNoteLine, CreditNoteReason
from domain.billing.crediting import credited_part, note_content
from domain.billing.ids import CreditNoteId, CustomerId
from domain.billing.invoice_model import InvoiceLine
from domain.billing.invoicing import invoiced
from domain.billing.taxes import TaxedAmount
from domain.kernel.money import Money

TERMS = {("team", 1): plan(recurring("seats", "12.99", per_seat=True))}
NOTHING = TaxedAmount(net=Money(minor=0, currency="EUR"), tax=Money(minor=0, currency="EUR"))


def line(minor: int, *, inclusive: bool = False) -> InvoiceLine:
    terms = {("team", 1): plan(recurring("seats", str(Decimal(minor) / 100)))}
    [found] = invoiced(begun_on(terms, item("team")).accruals, entity(inclusive=inclusive), customer("DE"), {}).lines
    return found


class TestCreditedPart:
    @given(st.integers(1, 10**7), st.lists(st.integers(1, 10**7), min_size=1, max_size=8), st.booleans())
    def test_of_all_parts_is_the_whole(self, minor: int, wanted: list[int], inclusive: bool) -> None:
        of = line(minor, inclusive=inclusive)
        before, left = NOTHING, of.taxed.gross.minor
        for part in (*wanted, of.taxed.gross.minor):
            gross = min(part, left)
            if not gross:
                break
            given_back = credited_part(of, before, before.net.of(minor=gross))
            assert given_back.gross.minor == gross
            assert 0 <= given_back.tax.minor <= gross
            before = TaxedAmount(net=before.net + given_back.net, tax=before.tax + given_back.tax)
            left -= gross

        assert of.taxed == before


class TestDocument:
    @pytest.mark.parametrize(
        ("locale", "title", "way"),
        [
            ("de", "Rechnungskorrektur DE-CN-2026-000001", "werden auf Ihr Zahlungsmittel erstattet"),
            ("en", "Credit note DE-CN-2026-000001", "goes back by the way you have paid"),
            ("fr", "Avoir DE-CN-2026-000001", "seront remboursés"),
        ],
    )
    def test_says_what_is_given_back_and_how(self, locale: str, title: str, way: str) -> None:
        buyer = customer("DE").model_copy(update={"locale": locale, "timezone": "Europe/Berlin"})
        invoice = invoiced(begun_on(TERMS, item("team", 3)).accruals, entity(), buyer, {})
        [sold] = invoice.lines
        content = note_content(invoice, [CreditNoteLine(key=sold.key, name=sold.name, tax=sold.tax, taxed=sold.taxed)])
        note = CreditNote(
            id=CreditNoteId("crn_01h455vb4pex5vsknk084sn02q"),
            number="DE-CN-2026-000001",
            customer_id=CustomerId("cus_01h455vb4pex5vsknk084sn02q"),
            invoice_id=None,
            invoice_number="DE-2026-000417",
            subscription_id=None,
            reason=CreditNoteReason.OTHER,
            note=None,
            content=content,
            lessened_due=content.total.of(minor=0),
            credited=content.total.of(minor=0),
            refunded=content.total,
            created_at=BEGIN + timedelta(days=3),
        )

        said = told(note)

        assert title == said["title"]
        assert way in said["notes"][-1]
        assert ["DE-CN-2026-000001", "DE-2026-000417"] == [said["facts"][0][1], said["facts"][-1][1]]
        assert pdf(told(note)).startswith(b"%PDF-")
