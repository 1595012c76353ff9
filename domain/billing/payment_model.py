"""Payments: how customers pay, and what became of each attempt to collect."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from domain.billing.events import Decline, PaymentMethod, Provider
from domain.billing.ids import CustomerId, InvoiceId, PaymentAccountId, PaymentId, PaymentMethodId
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class PaymentAccount(Payload):
    """A tenant's account at a provider. Its secrets are sealed, and never told again.

    reference: what the provider calls the place that it sends webhooks to.
    """

    id: PaymentAccountId
    tenant_id: TenantId
    provider: Provider
    reference: str
    sealed: bytes = Field(exclude=True, repr=False)
    connected_at: datetime
    revision: int = 1


class Credentials(Payload):
    """What proves that we act for a tenant. Stripe: a secret key. PayPal: an application's id and its secret."""

    secret_key: str = Field(repr=False)
    client_id: str | None = None


class Connection(Payload):
    """A provider's answer to being connected; what it signs webhooks with, or what it calls the place they come to."""

    reference: str
    webhook_secret: str = Field(default="", repr=False)


class SavedPaymentMethod(Payload):
    """A payment method of a customer's, kept by the provider: we know a token, and what a person would recognise it by.

    account_reference: what the provider calls the customer.
    """

    id: PaymentMethodId
    customer_id: CustomerId
    provider: Provider
    token: str
    account_reference: str
    method: PaymentMethod
    label: str
    expires: str | None = None
    is_default: bool = False
    created_at: datetime
    removed_at: datetime | None = None


class PaymentStatus(StrEnum):
    """Where an attempt to collect stands.

    pending: written down, and then sent. unknown: it was sent, and no answer came, so the provider is asked before
    anything else is done. action_required: the customer has to prove who it is. canceled: the provider was told to
    drop it.
    """

    PENDING = "pending"
    UNKNOWN = "unknown"
    PROCESSING = "processing"
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


LIVE = (PaymentStatus.PENDING, PaymentStatus.UNKNOWN, PaymentStatus.PROCESSING, PaymentStatus.ACTION_REQUIRED)
"""Money may still move: an invoice has one such payment at most, which the database sees to."""


class Payment(Payload):
    """One attempt to collect an invoice. Its id is the idempotency key at the provider.

    attempt: counted from 1 for each invoice. reference: what the provider calls it. sent_at: when it was first sent; it
    may have been sent again with the same key. checks: how often in a row the provider could not be asked.
    canceling: somebody wants it dropped. withdrawn: what disputes have taken back, as far as it was not won again.
    """

    id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    method_id: PaymentMethodId
    provider: Provider
    method: PaymentMethod
    amount: Money
    attempt: int
    status: PaymentStatus
    reference: str | None = None
    decline: Decline | None = None
    decline_code: str | None = None
    message: str | None = None
    action_url: str | None = None
    refunded: Money
    disputed: bool = False
    withdrawn: Money
    canceling: bool = False
    checks: int = 0
    check_at: datetime | None = None
    created_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    revision: int = 1

    @property
    def is_live(self) -> bool:
        """Whether money may still move by it."""
        return self.status in LIVE

    @property
    def is_asked_about(self) -> bool:
        """Whether the provider has still to say something of it: of what is settled, how much it gave back since."""
        return self.is_live or self.check_at is not None


class ChargeOrder(Payload):
    """What a provider is asked to do; the same every time it is asked."""

    payment_id: PaymentId
    provider: Provider
    customer: str
    method: PaymentMethod
    token: str
    amount: Money
    description: str
    reference: str | None
    sent_at: datetime


class ProviderAnswer(Payload):
    """What a provider says of a payment now. refunded_minor, withdrawn_minor: None if it does not let us know."""

    status: PaymentStatus
    reference: str | None = None
    decline: Decline | None = None
    decline_code: str | None = None
    message: str | None = None
    action_url: str | None = None
    refunded_minor: int | None = 0
    disputed: bool = False
    withdrawn_minor: int | None = 0


class Webhook(Payload):
    """What a provider has sent by itself: a hint to ask, unless it says what is known.

    payment_id: ours, reference: what the provider calls it. status: what it says of it.
    """

    id: str = Field(min_length=1, max_length=255)
    type: str
    payment_id: PaymentId | None = None
    reference: str | None = None
    status: PaymentStatus | None = None


class AttachedMethod(Payload):
    """A payment method that a provider now keeps for a customer."""

    customer: str
    token: str
    method: PaymentMethod
    label: str
    expires: str | None = None
