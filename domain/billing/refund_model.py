"""Refunds: money that goes back by the provider that has collected it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.billing.events import Provider
from domain.billing.ids import CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class RefundStatus(StrEnum):
    """Where a refund stands.

    pending: written down, and then sent. unknown: it was sent, and no answer came, so the provider is asked before
    anything else is done. processing: the provider will tell. credited: it had failed, and became credit.
    """

    PENDING = "pending"
    UNKNOWN = "unknown"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CREDITED = "credited"


LIVE_REFUNDS = (RefundStatus.PENDING, RefundStatus.UNKNOWN, RefundStatus.PROCESSING)


class Refund(Payload):
    """One refund. Its id and attempt are the idempotency key at the provider. checks: failures in a row to ask."""

    id: RefundId
    payment_id: PaymentId
    credit_note_id: CreditNoteId
    invoice_id: InvoiceId
    customer_id: CustomerId
    provider: Provider
    amount: Money
    status: RefundStatus
    attempt: int = 1
    reference: str | None = None
    message: str | None = None
    checks: int = 0
    check_at: datetime | None = None
    created_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    revision: int = 1

    @property
    def is_live(self) -> bool:
        """Whether money may still move by it."""
        return self.status in LIVE_REFUNDS


class RefundOrder(Payload):
    """What a provider is asked to do; the same every time it is asked.

    key: once for each. payment: what the provider calls the payment; collected: the whole of it.
    """

    key: str
    provider: Provider
    payment: str
    amount: Money
    reference: str | None


class RefundAnswer(Payload):
    """What a provider says of a refund now."""

    status: RefundStatus
    reference: str | None = None
    message: str | None = None
