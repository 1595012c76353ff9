"""What billing announces of credit notes and refunds."""

from pydantic import Field, PositiveInt

from domain.billing.credit_note_model import CreditNoteReason
from domain.billing.events import Provider
from domain.billing.ids import CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


@event(
    "billing.credit_note.issued",
    version="1.0.0",
    source="billing",
    subject="credit_note_id",
    consumers=("analytics", "notifications"),
)
class CreditNoteIssued(Event):
    """Something that was invoiced is given back."""

    tenant_id: TenantId
    credit_note_id: CreditNoteId
    customer_id: CustomerId
    invoice_id: InvoiceId | None = Field(description="Null: a subscription ended with a credit.")
    number: str = Field(description="Gapless per legal entity and year.", examples=["DE-CN-2026-000017"])
    reason: CreditNoteReason
    total: Money = Field(description="Tax included.")
    tax: Money = Field(description="The tax in it.")


@event(
    "billing.refund.requested",
    version="1.0.0",
    source="billing",
    subject="refund_id",
    consumers=("automation", "analytics"),
)
class RefundRequested(Event):
    """Money is to go back: this is written down, and sent by its process."""

    tenant_id: TenantId
    refund_id: RefundId
    payment_id: PaymentId
    customer_id: CustomerId
    amount: Money
    attempt: PositiveInt = Field(examples=[1])


@event(
    "billing.refund.succeeded",
    version="1.0.0",
    source="billing",
    subject="refund_id",
    consumers=("analytics", "notifications"),
)
class RefundSucceeded(Event):
    """The provider has given it back; the payment is told of it as `billing.payment.refunded`."""

    tenant_id: TenantId
    refund_id: RefundId
    payment_id: PaymentId
    customer_id: CustomerId
    amount: Money
    provider: Provider
    reference: str = Field(description="What the provider calls it.", examples=["re_3PqL2eZv"])


@event(
    "billing.refund.failed",
    version="1.0.0",
    source="billing",
    subject="refund_id",
    consumers=("analytics", "notifications"),
)
class RefundFailed(Event):
    """The provider cannot give it back: the customer is still owed it."""

    tenant_id: TenantId
    refund_id: RefundId
    payment_id: PaymentId
    customer_id: CustomerId
    amount: Money
    provider: Provider
    reason: str = Field(description="The provider's own words.", examples=["expired_or_canceled_card"])
