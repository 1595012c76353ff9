"""Credit notes as they are printed, in the customer's language."""

from __future__ import annotations

from typing import Any

from adapters.billing.paper import Paper
from domain.billing.credit_note_model import CreditNote, CreditNoteLine


def told(note: CreditNote) -> dict[str, Any]:
    """Everything that it says, ready to print."""
    content = note.content
    paper = Paper(content.locale, content.timezone, content.currency)
    words = paper.words
    facts = [(words["creditNoteNumber"], note.number), (words["date"], paper.date(note.created_at))]
    if note.invoice_number is not None:
        facts.append((words["forInvoice"], note.invoice_number))
    amounts = {"lessens": note.lessened_due, "asCredit": note.credited, "asRefund": note.refunded}
    return {
        "language": paper.locale.language,
        "heading": words["creditNote"],
        "title": f"{words['creditNote']} {note.number}",
        "words": words,
        "mark": "",
        "seller": paper.party(content.seller),
        "buyer": paper.party(content.buyer),
        "facts": facts,
        "lines": [_line(paper, line, several=len(content.taxes) > 1) for line in content.lines],
        "totals": paper.sums(paper.totals(content.net, content.taxes, content.total)),
        "notes": [
            *([note.note] if note.note else []),
            *([words["reverseCharge"]] if any(each.tax.reverse_charge for each in content.taxes) else []),
            *(words[way].format(amount=paper.money(amount)) for way, amount in amounts.items() if amount),
        ],
        "footer": paper.footer(content.seller),
    }


def _line(paper: Paper, line: CreditNoteLine, *, several: bool) -> dict[str, Any]:
    return {
        "name": line.name,
        "details": [paper.tax(line.tax)] if several and line.tax.percent else [],
        "quantity": "",
        "amount": paper.money(line.taxed.gross if line.tax.inclusive else line.taxed.net),
    }
