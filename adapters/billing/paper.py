"""What invoices and credit notes have in common on paper: a language's words, dates and amounts, set by Typst."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import typst
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from domain.billing.invoice_model import Party
from domain.billing.taxes import Tax, TaxTotal
from domain.kernel.money import Money

_TEMPLATE = Path(__file__).with_name("invoice.typ").read_bytes()
_WORDS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("invoice_words.json").read_text("utf-8"))
FALLBACK = "en"


class NotArchivable(Exception):
    """PDF/A wants every character to have a shape, and no font here has one for some."""


def pdf(said: Mapping[str, Any], *, archivable: bool = False) -> bytes:
    """The PDF that says this. archivable: as PDF/A-3, which can carry data. Raises NotArchivable."""
    text = json.dumps(said, ensure_ascii=False)
    standards: Literal["a-3b", "1.7"] = "a-3b" if archivable else "1.7"
    try:
        document = typst.compile(_TEMPLATE, format="pdf", sys_inputs={"invoice": text}, pdf_standards=standards)
    except typst.TypstError as refused:
        if archivable:
            raise NotArchivable from refused
        raise
    assert isinstance(document, bytes)
    return document


class Paper:
    """The words, dates and amounts of a language. Words are there for a few; dates and amounts for all."""

    def __init__(self, locale: str, timezone: str, currency: str) -> None:
        self.locale = Locale.parse(locale, sep="-")
        self.words = _WORDS.get(self.locale.language, _WORDS[FALLBACK])
        self._zone, self._currency = ZoneInfo(timezone), currency

    def party(self, party: Party) -> dict[str, Any]:
        """Who sells or buys."""
        country = self.locale.territories.get(party.country, party.country) if party.country else ""
        return {"name": party.name, "address": party.address, "country": country, "taxId": party.tax_id or ""}

    def footer(self, seller: Party) -> str:
        """At the end of each page."""
        return " · ".join(part for part in (seller.name, seller.tax_id, seller.email) if part)

    def totals(self, net: Money, taxes: Sequence[TaxTotal], total: Money) -> list[tuple[str, Money, bool]]:
        """Net, each tax, and their sum, which is bold."""
        rows = [(self.words["net"], net, False)]
        for each in taxes:
            if each.tax.percent:
                tax = self.tax(each.tax)
                label = self.words["included"].format(tax=tax) if each.tax.inclusive else tax
                rows.append((label, each.amount, False))
        return [*rows, (self.words["total"], total, True)]

    def sums(self, rows: Sequence[tuple[str, Money, bool]]) -> list[dict[str, Any]]:
        """As the template wants them."""
        return [{"label": label, "amount": self.money(amount), "bold": bold} for label, amount, bold in rows]

    def tax(self, tax: Tax) -> str:
        """Its name and percentage."""
        return f"{tax.name} {self.number(tax.percent)} %"

    def date(self, at: datetime) -> str:
        """Where the customer is."""
        return str(format_date(at.astimezone(self._zone).date(), format="medium", locale=self.locale))

    def money(self, money: Money) -> str:
        """With its currency."""
        return str(format_currency(money.amount, money.currency, locale=self.locale))

    def price(self, price: Decimal) -> str:
        """As fine as the seller has it: 0.0004 EUR is a price."""
        digits = self.locale.currency_formats["standard"].pattern
        exponent = max(2, -int(price.normalize().as_tuple().exponent)) if price else 2
        finer = digits.replace("0.00", f"0.{'0' * exponent}")
        return str(format_currency(price, self._currency, format=finer, locale=self.locale, currency_digits=False))

    def number(self, number: Decimal) -> str:
        """As exact as it is."""
        return str(format_decimal(number, locale=self.locale, decimal_quantization=False))
