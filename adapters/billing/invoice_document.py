"""Invoices as PDF, in the customer's language, set by Typst."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typst
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from domain.billing.invoice_model import Invoice, InvoiceLine, InvoiceStatus, Party
from domain.billing.rating import RatingStep, StepKind
from domain.billing.subscription_model import LineKind
from domain.billing.taxes import Tax
from domain.kernel.money import Money

_TEMPLATE = Path(__file__).with_name("invoice.typ").read_bytes()
_WORDS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("invoice_words.json").read_text("utf-8"))
FALLBACK = "en"
_TIMES = "\N{MULTIPLICATION SIGN}"


def rendered(invoice: Invoice) -> bytes:
    """The PDF. A draft and a void invoice are marked as such across each page."""
    said = json.dumps(told(invoice), ensure_ascii=False)
    document = typst.compile(_TEMPLATE, format="pdf", sys_inputs={"invoice": said})
    assert isinstance(document, bytes)
    return document


def told(invoice: Invoice) -> dict[str, Any]:
    """Everything that it says, ready to print."""
    return _Told.of(invoice).everything()


@dataclass(frozen=True, slots=True)
class _Told:
    """An invoice in the words, dates and amounts of a language."""

    invoice: Invoice
    locale: Locale
    words: dict[str, str]

    @classmethod
    def of(cls, invoice: Invoice) -> _Told:
        """Words are there for a few languages; dates and amounts for all."""
        locale = Locale.parse(invoice.content.locale, sep="-")
        return cls(invoice, locale, _WORDS.get(locale.language, _WORDS[FALLBACK]))

    def everything(self) -> dict[str, Any]:
        """As the template wants it."""
        invoice, content = self.invoice, self.invoice.content
        marks = {InvoiceStatus.DRAFT: self.words["draft"], InvoiceStatus.VOID: self.words["void"]}
        return {
            "language": self.locale.language,
            "title": f"{self.words['invoice']} {invoice.number or ''}".strip(),
            "words": self.words,
            "mark": marks.get(invoice.status, ""),
            "seller": self._party(content.seller),
            "buyer": self._party(content.buyer),
            "facts": self._facts(),
            "lines": [self._line(line) for line in content.lines],
            "totals": self._totals(),
            "notes": self._notes(),
            "footer": " · ".join(
                part for part in (content.seller.name, content.seller.tax_id, content.seller.email) if part
            ),
        }

    def _party(self, party: Party) -> dict[str, Any]:
        country = self.locale.territories.get(party.country, party.country) if party.country else ""
        return {"name": party.name, "address": party.address, "country": country, "taxId": party.tax_id or ""}

    def _facts(self) -> list[tuple[str, str]]:
        invoice, words = self.invoice, self.words
        facts = [(words["number"], invoice.number)] if invoice.number else []
        facts.append((words["date"], self._date(invoice.finalized_at or invoice.created_at)))
        if invoice.due_at is not None:
            facts.append((words["due"], self._date(invoice.due_at)))
        return [(label, fact) for label, fact in facts if fact]

    def _line(self, line: InvoiceLine) -> dict[str, Any]:
        details = []
        if line.period_start < line.period_end:
            details.append(self._period(line))
        if line.group:
            details.append(", ".join(f"{name}: {value}" for name, value in line.group.items()))
        if line.kind is LineKind.ADJUSTMENT:
            details.append(self.words["adjustment"])
        details += [self._step(step) for step in line.steps if step.kind is not StepKind.FLAT]
        if line.kind is LineKind.RECURRING and Fraction(line.share) != 1:
            details.append(self._share(line))
        details += [f"{each.name or self.words['discounted']}: {self._money(-each.amount)}" for each in line.discounts]
        if len(self.invoice.content.taxes) > 1 and line.tax.percent:
            details.append(self._tax(line.tax))
        return {
            "name": line.name,
            "details": details,
            "quantity": self._number(line.quantity),
            "amount": self._money(line.taxed.gross if line.tax.inclusive else line.taxed.net),
        }

    def _share(self, line: InvoiceLine) -> str:
        word = self.words["credited" if line.amount.minor < 0 else "prorated"]
        share = Fraction(line.share) * 100
        percent = self._number((Decimal(share.numerator) / share.denominator).quantize(Decimal("0.01")))
        return word.format(share=f"{percent} %", price=self._money(line.price))

    def _step(self, step: RatingStep) -> str:
        quantity, price = self._number(step.quantity), self._price(step.unit_price)
        if step.kind is StepKind.RATE:
            return (
                f"{self._number(step.unit_price)} % {_TIMES} {self._price(step.quantity)} = {self._money(step.amount)}"
            )
        if step.kind is StepKind.FREE:
            return self.words["free"].format(quantity=quantity)
        return f"{quantity} {_TIMES} {price} = {self._money(step.amount)}"

    def _totals(self) -> list[dict[str, Any]]:
        content, words = self.invoice.content, self.words
        rows = [(words["net"], content.net, False)]
        for each in content.taxes:
            if each.tax.percent:
                tax = self._tax(each.tax)
                rows.append((words["included"].format(tax=tax) if each.tax.inclusive else tax, each.amount, False))
        due = self.invoice.due
        rows.append((words["total"], content.total, True))
        if due != content.total:
            rows += [(words["credits"], due - content.total, False), (words["amountDue"], due, True)]
        return [{"label": label, "amount": self._money(amount), "bold": bold} for label, amount, bold in rows]

    def _tax(self, tax: Tax) -> str:
        return f"{tax.name} {self._number(tax.percent)} %"

    def _notes(self) -> list[str]:
        content, notes = self.invoice.content, []
        if any(each.tax.reverse_charge for each in content.taxes):
            notes.append(self.words["reverseCharge"])
        if self.invoice.status is InvoiceStatus.PAID:
            notes.append(self.words["paid"])
        elif self.invoice.status is InvoiceStatus.OPEN and content.payment_details:
            notes.append(self.words["payTo"].format(details=content.payment_details, number=self.invoice.number))
        return notes

    def _period(self, line: InvoiceLine) -> str:
        # The end is not part of the period: the last day is that of the instant before it.
        return f"{self._date(line.period_start)} \N{EN DASH} {self._date(line.period_end - datetime.resolution)}"

    def _date(self, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(self.invoice.content.timezone))
        return str(format_date(local.date(), format="medium", locale=self.locale))

    def _money(self, money: Money) -> str:
        return str(format_currency(money.amount, money.currency, locale=self.locale))

    def _price(self, price: Decimal) -> str:
        """As fine as the seller has it: 0.0004 EUR is a price."""
        digits = self.locale.currency_formats["standard"].pattern
        exponent = max(2, -int(price.normalize().as_tuple().exponent)) if price else 2
        finer = digits.replace("0.00", f"0.{'0' * exponent}")
        return str(
            format_currency(
                price, self.invoice.content.currency, format=finer, locale=self.locale, currency_digits=False
            )
        )

    def _number(self, number: Decimal) -> str:
        return str(format_decimal(number, locale=self.locale, decimal_quantization=False))
