"""Credit notes: what is given back of what was invoiced, and how."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from domain.billing.ids import CreditGrantId, CreditNoteId, CustomerId, InvoiceId, RefundId, SubscriptionId
from domain.billing.invoice_model import Party
from domain.billing.taxes import Tax, TaxedAmount, TaxTotal
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class CreditNoteReason(StrEnum):
    """Why it is given back."""

    DUPLICATE = "duplicate"
    ORDER_CHANGE = "order_change"
    PRODUCT_UNSATISFACTORY = "product_unsatisfactory"
    FRAUDULENT = "fraudulent"
    SUBSCRIPTION_ENDED = "subscription_ended"
    OTHER = "other"


class Settlement(StrEnum):
    """How the customer gets it, of an invoice that is paid.

    automatic: by refund as far as a provider has collected it, and as credit for the rest.
    """

    AUTOMATIC = "automatic"
    REFUND = "refund"
    CREDIT = "credit"


class CreditNoteLine(Payload):
    """What is given back of one line. key: the invoice's line."""

    key: str
    name: str
    tax: Tax
    taxed: TaxedAmount


class CreditNoteContent(Payload):
    """What a credit note says. Not a word of it changes."""

    legal_entity: str
    seller: Party
    buyer: Party
    locale: str
    timezone: str
    currency: str
    lines: tuple[CreditNoteLine, ...]
    taxes: tuple[TaxTotal, ...]
    net: Money
    tax_amount: Money
    total: Money


class CreditNote(Payload):
    """One credit note.

    invoice_id: None where a subscription has ended with a credit that no invoice was left for. lessened_due, credited,
    refunded: how the total was settled; they sum to it.
    """

    id: CreditNoteId
    number: str = Field(description="Gapless within its legal entity and year.", examples=["DE-CN-2026-000017"])
    customer_id: CustomerId
    invoice_id: InvoiceId | None
    invoice_number: str | None
    subscription_id: SubscriptionId | None
    reason: CreditNoteReason
    note: str | None
    content: CreditNoteContent
    lessened_due: Money = Field(description="What is to be paid of the invoice is less by this.")
    credited: Money = Field(description="What the customer has got to spend.")
    refunded: Money = Field(description="What goes back by the provider that has collected it.")
    credit_grant_id: CreditGrantId | None = None
    refund_id: RefundId | None = None
    created_at: datetime


class WantedCredit(NamedTuple):
    """What somebody wants to give back of a line, tax included, in major units; None is all that is left."""

    key: str
    amount: Decimal | None


class WantedCreditNote(NamedTuple):
    """What somebody wants to give back of an invoice. lines: None is all that is left of it."""

    invoice_id: InvoiceId
    lines: tuple[WantedCredit, ...] | None
    reason: CreditNoteReason
    note: str | None
    settlement: Settlement
