"""What billing announces of invoices, besides that they are paid."""

from pydantic import AwareDatetime, Field

from domain.billing.ids import ClockId, CustomerId, InvoiceId, SubscriptionId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


@event(
    "billing.invoice.drafted",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics", "automation"),
)
class InvoiceDrafted(Event):
    """There is an invoice, which may still change until it becomes final."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    test_clock_id: ClockId | None = Field(default=None, description="Whose simulated time the customer lives in.")
    total: Money = Field(description="Tax included; of the draft.")
    finalize_at: AwareDatetime = Field(description="When it becomes final, unless somebody does that before.")


@event(
    "billing.invoice.finalized",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics", "notifications"),
)
class InvoiceFinalized(Event):
    """An invoice has its number, and not a word of it changes any more."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    test_clock_id: ClockId | None = Field(default=None, description="Whose simulated time the customer lives in.")
    draft_until: AwareDatetime | None = Field(
        default=None, description="When it would have become final by itself; null if it never was a draft."
    )
    number: str = Field(description="Gapless per legal entity and year.", examples=["INV-2026-000417"])
    total: Money = Field(description="Tax included.")
    tax: Money = Field(description="The tax in it.")
    due_at: AwareDatetime


@event(
    "billing.invoice.overdue",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics", "automation", "notifications"),
)
class InvoiceOverdue(Event):
    """An invoice was not paid by the day it was due."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    total: Money = Field(description="Tax included.")
    due_at: AwareDatetime


@event(
    "billing.invoice.voided",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics", "notifications"),
)
class InvoiceVoided(Event):
    """An invoice is not owed; a draft's lines wait for the next one."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    total: Money = Field(description="Tax included.")
    reason: str = Field(examples=["billed to the wrong company"])


@event(
    "billing.invoice.written_off",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics",),
)
class InvoiceWrittenOff(Event):
    """An invoice is owed, and nobody expects that it will be paid."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    total: Money = Field(description="Tax included.")
    reason: str = Field(examples=["the customer is insolvent"])
