"""What an invoice's PDF says, in the customer's words."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from subscribed import BEGIN, begun_on, customer, entity, item, plan, recurring

import adapters.billing.invoice_document as document
from adapters.billing.paper import pdf
from domain.billing import lifecycle
from domain.billing.ids import InvoiceId
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.invoicing import invoiced
from domain.billing.prices import PerUnit

TERMS = {("team", 1): plan(recurring("seats", "12.99", per_seat=True))}


def invoice(locale: str, status: InvoiceStatus, *, country: str = "DE", tax_id: str | None = None) -> Invoice:
    """Three seats, five from the middle of the month on."""
    begun = begun_on(TERMS, item("team", 3))
    changed = lifecycle.change(begun.subscription, (item("team", 5),), TERMS, at=BEGIN + timedelta(days=14))
    buyer = customer(country, tax_id).model_copy(update={"locale": locale, "timezone": "Europe/Berlin"})
    content = invoiced([*begun.accruals, *changed.accruals], entity(), buyer, {})
    return Invoice(
        id=InvoiceId("inv_01h455vb4pex5vsknk084sn02q"),
        customer_id=buyer.id,
        subscription_id=begun.subscription.id,
        status=status,
        number=None if status is InvoiceStatus.DRAFT else "DE-2026-000417",
        content=content,
        due=content.total,
        created_at=BEGIN,
        finalize_at=BEGIN,
    )


class TestDocument:
    @pytest.mark.parametrize(
        ("locale", "title", "credit", "total"),
        [
            ("de-DE", "Rechnung DE-2026-000417", "Gutschrift für 50 % von 38,97 €", "61,83 €"),
            ("en", "Invoice DE-2026-000417", "Credit for 50 % of €38.97", "€61.83"),
            ("fr", "Facture DE-2026-000417", "Avoir de 50 % sur 38,97 €", "61,83 €"),
            ("ja", "Invoice DE-2026-000417", "Credit for 50 % of €38.97", "€61.83"),
        ],
    )
    def test_speaks_the_customers_language(self, locale: str, title: str, credit: str, total: str) -> None:
        said = document.told(invoice(locale, InvoiceStatus.OPEN))

        details = [detail.replace("\N{NO-BREAK SPACE}", " ") for line in said["lines"] for detail in line["details"]]
        assert title == said["title"]
        assert credit in [detail.replace("\N{NARROW NO-BREAK SPACE}", " ") for detail in details]
        assert total == said["totals"][-1]["amount"].replace("\N{NO-BREAK SPACE}", " ").replace(
            "\N{NARROW NO-BREAK SPACE}", " "
        )

    def test_marks_what_is_not_owed(self) -> None:
        marks = [document.told(invoice("en", status))["mark"] for status in InvoiceStatus]

        assert ["DRAFT", "", "", "VOID", ""] == marks

    def test_says_who_owes_the_tax(self) -> None:
        said = document.told(invoice("en", InvoiceStatus.OPEN, country="FR", tax_id="FR40303265045"))

        assert "Article 196" in said["notes"][0]
        assert 2 == len(said["totals"])

    def test_is_as_fine_as_the_price(self) -> None:
        begun = begun_on(
            {("team", 1): TERMS["team", 1]},
            item("team", 3).model_copy(update={"overrides": {"seats": PerUnit(unit_price=Decimal("0.00042"))}}),
        )
        fine = invoice("en", InvoiceStatus.OPEN)
        content = invoiced(begun.accruals, entity(), customer("DE"), {})

        said = document.told(fine.model_copy(update={"content": content}))

        assert any("€0.00042" in detail for detail in said["lines"][0]["details"])

    @pytest.mark.parametrize("locale", ["de", "en", "fr", "ar", "zh-Hans"])
    @pytest.mark.parametrize("status", list(InvoiceStatus))
    def test_can_be_set(self, locale: str, status: InvoiceStatus) -> None:
        assert pdf(document.told(invoice(locale, status))).startswith(b"%PDF-")

    def test_has_every_word_in_every_language(self) -> None:
        words = json.loads(Path(document.__file__).with_name("invoice_words.json").read_text("utf-8"))

        assert 1 == len({frozenset(each) for each in words.values()})
