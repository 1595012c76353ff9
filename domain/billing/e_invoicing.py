"""What EN 16931-1:2017 asks of an electronic invoice: its VAT categories, and what keeps one from being told in it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from domain.billing.ids import InvoiceId
from domain.billing.invoice_errors import EInvoiceNotPossible
from domain.billing.invoice_model import Invoice, InvoiceStatus, Party
from domain.billing.ports import BillingUnitOfWork
from domain.billing.taxes import Tax, TaxTotal
from domain.kernel.money import Money, exponent

_MOST_DIGITS = 2
"""BR-DEC-*: no amount has more."""


class Syntax(StrEnum):
    """The two that public buyers in the Union must read. cii: UN/CEFACT, as in Factur-X. ubl: OASIS UBL 2.1."""

    CII = "cii"
    UBL = "ubl"


class VatCategory(StrEnum):
    """UNTDID 5305, as far as our taxes go."""

    STANDARD = "S"
    ZERO = "Z"
    REVERSE_CHARGE = "AE"
    OUTSIDE_SCOPE = "O"


def category_of(tax: Tax) -> VatCategory:
    """The category of a line. A tax of 0 per cent that a country has is not the same as none."""
    if tax.reverse_charge:
        return VatCategory.REVERSE_CHARGE
    if tax.percent:
        return VatCategory.STANDARD
    return VatCategory.ZERO if tax.name else VatCategory.OUTSIDE_SCOPE


async def with_credit_applied(uow: BillingUnitOfWork, invoice_id: InvoiceId) -> tuple[Invoice, Money]:
    """An invoice, and what the customer's credit has paid of it. Raises InvoiceNotFound."""
    invoice = await uow.invoices.get(invoice_id)
    uses = await uow.credits.uses_of(invoice_id)
    return invoice, sum((use.amount for use in uses), invoice.due.of(minor=0))


def ensure_is_final(invoice: Invoice) -> None:
    """Raises EInvoiceNotPossible for what nobody owes."""
    reasons = {
        InvoiceStatus.DRAFT: "it is a draft: finalize it, or wait until it is",
        InvoiceStatus.VOID: "it is void",
    }
    if (reason := reasons.get(invoice.status)) is not None:
        raise EInvoiceNotPossible(reason=reason)


def ensure_can_be_said(seller: Party, currency: str, taxes: Sequence[TaxTotal]) -> None:
    """Raises EInvoiceNotPossible where the rules of EN 16931 allow no such invoice."""
    categories = {category_of(each.tax) for each in taxes}
    obstacles = {
        f"amounts in {currency} have more than {_MOST_DIGITS} decimal places": exponent(currency) > _MOST_DIGITS,
        "the legal entity had no tax id when it was written": (
            seller.tax_id is None and categories != {VatCategory.OUTSIDE_SCOPE}
        ),
        "some of it is taxed and some is outside the scope of VAT": (
            VatCategory.OUTSIDE_SCOPE in categories and len(categories) > 1
        ),
    }
    for reason in (each for each, is_there in obstacles.items() if is_there):
        raise EInvoiceNotPossible(reason=reason)
