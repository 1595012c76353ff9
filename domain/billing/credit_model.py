"""Credits: money that a customer has with a tenant, given or bought, and with which invoices are paid first."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from domain.billing.ids import CreditGrantId, CreditNoteId, CustomerId, InvoiceId
from domain.kernel.money import Money
from domain.kernel.payload import Payload

MOST_PRIORITY, USUAL_PRIORITY = 100, 50


class GrantKind(StrEnum):
    """Where a credit comes from.

    promotional: a gift. prepaid: bought by an invoice. credit_note: given back for what was invoiced.
    """

    PROMOTIONAL = "promotional"
    PREPAID = "prepaid"
    CREDIT_NOTE = "credit_note"


class GrantStatus(StrEnum):
    """Where a grant stands. pending: bought, and not paid yet."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    VOIDED = "voided"


class GrantTerms(NamedTuple):
    """What somebody wants a customer to have. amount: in major units of the customer's currency."""

    amount: Decimal
    name: str
    priority: int = USUAL_PRIORITY
    expires_at: datetime | None = None


class CreditGrant(Payload):
    """One grant of credit.

    priority: those with a lower number are used first; then those that expire sooner, gifts before what was paid for,
    older before newer. invoice_id: by which it was bought. credit_note_id: by which it was given back.
    """

    id: CreditGrantId
    customer_id: CustomerId
    kind: GrantKind
    name: str
    status: GrantStatus
    amount: Money
    remaining: Money
    priority: int
    expires_at: datetime | None = None
    invoice_id: InvoiceId | None = None
    credit_note_id: CreditNoteId | None = None
    created_at: datetime
    closed_at: datetime | None = None
    reason: str | None = None
    revision: int = 1

    @property
    def order(self) -> tuple[int, bool, float, bool, str]:
        """By this grants are used."""
        expires = self.expires_at.timestamp() if self.expires_at else 0.0
        return self.priority, self.expires_at is None, expires, self.kind is not GrantKind.PROMOTIONAL, self.id


class CreditUse(Payload):
    """What of a grant an invoice was paid with; less what was returned when that was voided."""

    credit_grant_id: CreditGrantId
    invoice_id: InvoiceId
    amount: Money
    used_at: datetime


class CreditBalance(Payload):
    """What a customer has to spend."""

    balance: Money
    pending: Money = Field(description="Bought, and not paid yet.")
    next_expiry_at: datetime | None = Field(description="When the first of it expires, if any does.")
