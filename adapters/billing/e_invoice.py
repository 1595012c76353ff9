"""Invoices and credit notes as data: EN 16931, as XML by itself, and within their PDF (Factur-X, ZUGFeRD).

Each business term (BT) and group of them (BG) is called as the standard calls it.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from stdnum import iban

from adapters.billing import credit_note_document, invoice_document
from adapters.billing.paper import NotArchivable, pdf
from domain.billing.credit_note_model import CreditNote, CreditNoteContent
from domain.billing.e_invoicing import Syntax, VatCategory, category_of, ensure_can_be_said, ensure_is_final
from domain.billing.invoice_errors import EInvoiceNotPossible
from domain.billing.invoice_model import Invoice, InvoiceContent, InvoiceLine, InvoiceStatus, Party
from domain.billing.rating import StepKind
from domain.billing.taxes import Tax
from domain.kernel.money import Money

# It tells at length of every file that it writes.
logging.getLogger("factur-x").setLevel(logging.ERROR)

_FLAVORS = {Syntax.CII: "factur-x", Syntax.UBL: "ubl-2.1"}
_INVOICE, _CREDIT_NOTE = "380", "381"  # UNTDID 1001
_ONE = "C62"  # UN/ECE Recommendation 20
_MAIL = "EM"  # Electronic Address Scheme
_CREDIT_TRANSFER, _SEPA_CREDIT_TRANSFER, _OTHER = "30", "58", "ZZZ"  # UNTDID 4461
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_NOT_XML = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_WHY = {
    VatCategory.REVERSE_CHARGE: ("Reverse charge", "VATEX-EU-AE"),
    VatCategory.OUTSIDE_SCOPE: ("Not subject to VAT", "VATEX-EU-O"),
}
_GREECE = {"GR": "EL"}
Terms = dict[str, Any]


def invoice_xml(invoice: Invoice, applied: Money, syntax: Syntax) -> bytes:
    """The invoice. applied: the customer's credit that it was paid with. Raises EInvoiceNotPossible."""
    return _written(_of_invoice(invoice, applied), syntax)


def credit_note_xml(note: CreditNote, syntax: Syntax) -> bytes:
    """The credit note. Raises EInvoiceNotPossible."""
    return _written(_of_credit_note(note), syntax)


def invoice_pdf(invoice: Invoice, applied: Money) -> bytes:
    """The invoice on paper, and its data with it."""
    return _pdf(invoice_document.told(invoice), invoice.content, lambda: invoice_xml(invoice, applied, Syntax.CII))


def credit_note_pdf(note: CreditNote) -> bytes:
    """The credit note on paper, and its data with it."""
    return _pdf(credit_note_document.told(note), note.content, lambda: credit_note_xml(note, Syntax.CII))


def _pdf(said: Mapping[str, Any], content: InvoiceContent | CreditNoteContent, data: Callable[[], bytes]) -> bytes:
    """With its data, where EN 16931 can say it and PDF/A can carry it."""
    try:
        return _with_data(said, data(), content)
    except (EInvoiceNotPossible, NotArchivable):
        return pdf(said)


def _with_data(said: Mapping[str, Any], xml: bytes, content: InvoiceContent | CreditNoteContent) -> bytes:
    """A PDF/A-3 with this CII in it: what people read and what programs read are one file (Factur-X)."""
    from facturx import generate_from_binary  # noqa: PLC0415 - a third of a second of loading, for who wants documents

    document = generate_from_binary(
        pdf(said, archivable=True),
        xml,
        flavor="factur-x",
        level="en16931",
        check_xsd=False,
        lang=content.locale,
        pdf_metadata=_as_xml_can(
            {
                "author": content.seller.name,
                "keywords": "Factur-X",
                "title": said["title"],
                "subject": f"{said['title']}, {content.buyer.name}",
            }
        ),
    )
    assert isinstance(document, bytes)
    return document


def _written(terms: Terms, syntax: Syntax) -> bytes:
    from facturx import generate_xml  # noqa: PLC0415 - a third of a second of loading, for who wants documents

    xml = generate_xml(
        _as_xml_can(terms), flavor=_FLAVORS[syntax], level="en16931", check_xsd=False, check_schematron=None
    )
    assert isinstance(xml, bytes)
    return xml


def _of_invoice(invoice: Invoice, applied: Money) -> Terms:
    ensure_is_final(invoice)
    content = invoice.content
    assert invoice.number is not None
    assert invoice.finalized_at is not None
    assert invoice.due_at is not None
    zone, paid = ZoneInfo(content.timezone), invoice.status is InvoiceStatus.PAID
    details = ["; ".join(line["details"]) for line in invoice_document.told(invoice)["lines"]]
    spans = [_span(line, zone) for line in content.lines]
    lines = [
        {
            **_line(number, line.name, line.tax, *_priced(line)),
            **({"BT-134": first, "BT-135": last} if line.period_start < line.period_end else {}),
            **({"BT-154": detail} if detail else {}),
        }
        for number, (line, (first, last), detail) in enumerate(zip(content.lines, spans, details, strict=True), 1)
    ]
    return {
        **_head(invoice.number, _INVOICE, invoice.finalized_at.astimezone(zone).date(), content),
        # What credit notes took off what was due is theirs to say: whoever books both must not count it twice.
        **_sums(content, paid=applied + invoice.due if paid else applied),
        **({} if paid else _payment(content, invoice.number)),
        "BT-9": invoice.due_at.astimezone(zone).date(),
        # When all of it is delivered, and the time that it is for.
        "BT-72": max(last for _, last in spans),
        "BT-73": min(first for first, _ in spans),
        "BT-74": max(last for _, last in spans),
        "BG-25": lines,
    }


def _of_credit_note(note: CreditNote) -> Terms:
    content = note.content
    day = note.created_at.astimezone(ZoneInfo(content.timezone)).date()
    terms = {
        **_head(note.number, _CREDIT_NOTE, day, content),
        "BT-72": day,
        **_sums(content, paid=content.total - note.lessened_due),
        "BT-20": " ".join(credit_note_document.told(note)["notes"]) or note.reason.value,
        "BG-25": [
            _line(number, line.name, line.tax, *_one_for(line.taxed.net))
            for number, line in enumerate(content.lines, 1)
        ],
    }
    if note.invoice_number is not None:
        terms["BG-3"] = [{"BT-25": note.invoice_number}]
    return terms


def _head(number: str, kind: str, day: date, content: InvoiceContent | CreditNoteContent) -> Terms:
    ensure_can_be_said(content.seller, content.currency, content.taxes)
    untaxed = {category_of(each.tax) for each in content.taxes} == {VatCategory.OUTSIDE_SCOPE}
    seller = _party(content.seller, content.seller.country, untaxed=untaxed)
    seller["identifiers"] = {None: content.legal_entity}
    return {
        "BT-1": number,
        "BT-2": day,
        "BT-3": kind,
        "BT-5": content.currency,
        "BG-4": seller,
        # Who has no country is taxed as at home.
        "BG-7": _party(content.buyer, content.buyer.country or content.seller.country, untaxed=untaxed),
    }


def _party(party: Party, country: str | None, *, untaxed: bool) -> Terms:
    first, second, *others = [*party.address, "", ""]
    third = ", ".join(other for other in others if other)
    known: Terms = {"name": party.name, "addr_l1": first, "addr_l2": second, "addr_l3": third, "country_code": country}
    if party.email:
        known |= {"einvoicing_addr": party.email, "einvoicing_addr_schemeid": _MAIL}
    # BR-O-02: what is outside the scope of VAT bears no VAT number. BR-CO-09: one begins with its country.
    number = re.sub("[^A-Z0-9]", "", (party.tax_id or "").upper())
    if not untaxed and country and number.startswith((country, _GREECE.get(country, country))):
        known["vat_identifier"] = number
    elif number and not untaxed:
        known["tax_identifier"] = number
    return _without_nothing(known)


def _line(number: int, name: str, tax: Tax, quantity: Decimal, price: Decimal, net: Money) -> Terms:
    category = category_of(tax)
    terms = {
        "BT-126": str(number),
        "BT-129": f"{quantity:f}",
        "BT-130": _ONE,
        "BT-131": f"{net.amount:f}",
        "BT-146": f"{price:f}",
        "BT-151": category.value,
        "BT-153": name,
    }
    return terms if category is VatCategory.OUTSIDE_SCOPE else {**terms, "BT-152": f"{tax.percent:f}"}


def _priced(line: InvoiceLine) -> tuple[Decimal, Decimal, Money]:
    """Quantity, net price of one, and net amount: as charged if that is the product, else one of it for the amount."""
    net = line.taxed.net
    [*units] = [step for step in line.steps if step.kind is not StepKind.FREE]
    if len(units) == 1 and units[0].kind is StepKind.UNITS:
        quantity, price = units[0].quantity, units[0].unit_price
        if quantity * price == net.amount:
            return quantity, price, net
    return _one_for(net)


def _one_for(net: Money) -> tuple[Decimal, Decimal, Money]:
    """BR-27: no price is negative."""
    return Decimal(-1 if net.minor < 0 else 1), abs(net.amount), net


def _span(line: InvoiceLine, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last day. The end is not part of a period: its last day is that of the instant before it."""
    last = max(line.period_start, line.period_end - datetime.resolution)
    return line.period_start.astimezone(zone).date(), last.astimezone(zone).date()


def _sums(content: InvoiceContent | CreditNoteContent, *, paid: Money) -> Terms:
    nothing = content.net.of(minor=0)
    by_rate: dict[tuple[VatCategory, Decimal], list[Money]] = defaultdict(lambda: [nothing, nothing])
    for each in content.taxes:
        sums = by_rate[category_of(each.tax), each.tax.percent]
        sums[0], sums[1] = sums[0] + each.net, sums[1] + each.amount
    terms: Terms = {
        "BG-23": [_breakdown(category, percent, *sums) for (category, percent), sums in by_rate.items()],
        "BT-106": f"{content.net.amount:f}",
        "BT-109": f"{content.net.amount:f}",
        "BT-110": f"{content.tax_amount.amount:f}",
        "BT-112": f"{content.total.amount:f}",
        "BT-115": f"{(content.total - paid).amount:f}",
    }
    return {**terms, "BT-113": f"{paid.amount:f}"} if paid else terms


def _breakdown(category: VatCategory, percent: Decimal, net: Money, tax: Money) -> Terms:
    terms = {"BT-116": f"{net.amount:f}", "BT-117": f"{tax.amount:f}", "BT-118": category.value}
    if category is not VatCategory.OUTSIDE_SCOPE:
        terms["BT-119"] = f"{percent:f}"
    text, code = _WHY.get(category, ("", ""))
    return _without_nothing({**terms, "BT-120": text, "BT-121": code})


def _payment(content: InvoiceContent, number: str) -> Terms:
    if not content.payment_details:
        return {}
    account = _account_in(content.payment_details)
    if account is None:
        return {"BT-81": _OTHER, "BT-82": content.payment_details, "BT-83": number}
    means = _SEPA_CREDIT_TRANSFER if content.currency == "EUR" else _CREDIT_TRANSFER
    return {"BT-81": means, "BT-83": number, "BT-84": account}


def _account_in(words: str) -> str | None:
    """The first IBAN among them. What follows it looks as if it went on: its check digits say where it ends."""
    for found in _IBAN.finditer(words.upper()):
        for end in range(len(found[0]), 0, -1):
            if iban.is_valid(found[0][:end]):
                return str(iban.compact(found[0][:end]))
    return None


def _as_xml_can(value: Any) -> Any:
    """Without characters that XML 1.0 cannot write, which names and groups of usage may have."""
    if isinstance(value, str):
        return _NOT_XML.sub("", value)
    if isinstance(value, list):
        return [_as_xml_can(each) for each in value]
    return {name: _as_xml_can(each) for name, each in value.items()} if isinstance(value, dict) else value


def _without_nothing(terms: Mapping[str, Any]) -> Terms:
    return {name: value for name, value in terms.items() if value not in ("", None)}
