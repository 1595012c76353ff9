"""Invoices: what a customer owes, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from domain.billing.coupon_model import LineDiscount
from domain.billing.events import PaymentMethod
from domain.billing.ids import CustomerId, InvoiceId, SubscriptionId
from domain.billing.subscription_model import Accrual
from domain.billing.taxes import Tax, TaxedAmount, TaxTotal
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class InvoiceStatus(StrEnum):
    """Where an invoice stands. open: final, and not paid yet."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Party(Payload):
    """Who sells or buys, as of the day of the invoice."""

    name: str
    address: tuple[str, ...]
    country: str | None
    tax_id: str | None
    email: str | None


class InvoiceLine(Accrual):
    """A line, with what is taken off, and its net amount and tax after that."""

    discounts: tuple[LineDiscount, ...] = ()
    tax: Tax
    taxed: TaxedAmount


class InvoiceContent(Payload):
    """What an invoice says. Once it is final, not a word of it changes."""

    legal_entity: str
    seller: Party
    buyer: Party
    locale: str
    timezone: str
    payment_details: str | None
    currency: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[TaxTotal, ...] = Field(description="By tax; they sum to `net` and `taxAmount`.")
    net: Money
    tax_amount: Money
    total: Money


class Invoice(Payload):
    """One invoice.

    subscription_id: None for one-off invoices. number: gapless within its legal entity and year, given when it becomes
    final. finalize_at: when a draft becomes so. due: what is, or was, to be paid in money: the total without
    the customer's credit that it was paid with.
    """

    id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None
    status: InvoiceStatus
    number: str | None = None
    content: InvoiceContent
    created_at: datetime
    finalize_at: datetime
    finalized_at: datetime | None = None
    due_at: datetime | None = None
    overdue: bool = False
    closed_at: datetime | None = None
    paid_by: PaymentMethod | None = None
    reason: str | None = None
    due: Money
    revision: int = 1
