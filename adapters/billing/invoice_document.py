"""Invoices as they are printed, in the customer's language."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from adapters.billing.paper import Paper
from domain.billing.invoice_model import Invoice, InvoiceLine, InvoiceStatus
from domain.billing.rating import RatingStep, StepKind
from domain.billing.subscription_model import LineKind

_TIMES = "\N{MULTIPLICATION SIGN}"


def told(invoice: Invoice) -> dict[str, Any]:
    """Everything that it says, ready to print. A draft and a void invoice are marked as such across each page."""
    return _Told(invoice).everything()


class _Told:
    """An invoice in the words, dates and amounts of a language."""

    def __init__(self, invoice: Invoice) -> None:
        content = invoice.content
        self.invoice, self.paper = invoice, Paper(content.locale, content.timezone, content.currency)
        self.words = self.paper.words

    def everything(self) -> dict[str, Any]:
        """As the template wants it."""
        invoice, content = self.invoice, self.invoice.content
        marks = {InvoiceStatus.DRAFT: self.words["draft"], InvoiceStatus.VOID: self.words["void"]}
        return {
            "language": self.paper.locale.language,
            "heading": self.words["invoice"],
            "title": f"{self.words['invoice']} {invoice.number or ''}".strip(),
            "words": self.words,
            "mark": marks.get(invoice.status, ""),
            "seller": self.paper.party(content.seller),
            "buyer": self.paper.party(content.buyer),
            "facts": self._facts(),
            "lines": [self._line(line) for line in content.lines],
            "totals": self._totals(),
            "notes": self._notes(),
            "footer": self.paper.footer(content.seller),
        }

    def _facts(self) -> list[tuple[str, str]]:
        invoice, words = self.invoice, self.words
        facts = [(words["number"], invoice.number)] if invoice.number else []
        facts.append((words["date"], self.paper.date(invoice.finalized_at or invoice.created_at)))
        if invoice.due_at is not None:
            facts.append((words["due"], self.paper.date(invoice.due_at)))
        return [(label, fact) for label, fact in facts if fact]

    def _line(self, line: InvoiceLine) -> dict[str, Any]:
        paper, details = self.paper, []
        if line.period_start < line.period_end:
            details.append(self._period(line))
        if line.group:
            details.append(", ".join(f"{name}: {value}" for name, value in line.group.items()))
        if line.kind is LineKind.ADJUSTMENT:
            details.append(self.words["adjustment"])
        details += [self._step(step) for step in line.steps if step.kind is not StepKind.FLAT]
        if line.kind is LineKind.RECURRING and Fraction(line.share) != 1:
            details.append(self._share(line))
        details += [f"{each.name or self.words['discounted']}: {paper.money(-each.amount)}" for each in line.discounts]
        if len(self.invoice.content.taxes) > 1 and line.tax.percent:
            details.append(paper.tax(line.tax))
        return {
            "name": line.name,
            "details": details,
            "quantity": paper.number(line.quantity),
            "amount": paper.money(line.taxed.gross if line.tax.inclusive else line.taxed.net),
        }

    def _share(self, line: InvoiceLine) -> str:
        word = self.words["credited" if line.amount.minor < 0 else "prorated"]
        share = Fraction(line.share) * 100
        percent = self.paper.number((Decimal(share.numerator) / share.denominator).quantize(Decimal("0.01")))
        return word.format(share=f"{percent} %", price=self.paper.money(line.price))

    def _step(self, step: RatingStep) -> str:
        paper = self.paper
        quantity, price, amount = paper.number(step.quantity), paper.price(step.unit_price), paper.money(step.amount)
        if step.kind is StepKind.RATE:
            return f"{paper.number(step.unit_price)} % {_TIMES} {paper.price(step.quantity)} = {amount}"
        if step.kind is StepKind.FREE:
            return self.words["free"].format(quantity=quantity)
        return f"{quantity} {_TIMES} {price} = {amount}"

    def _totals(self) -> list[dict[str, Any]]:
        content, due, words = self.invoice.content, self.invoice.due, self.words
        rows = self.paper.totals(content.net, content.taxes, content.total)
        if due != content.total:
            rows += [(words["credits"], due - content.total, False), (words["amountDue"], due, True)]
        return self.paper.sums(rows)

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
        last = line.period_end - datetime.resolution
        return f"{self.paper.date(line.period_start)} \N{EN DASH} {self.paper.date(last)}"
