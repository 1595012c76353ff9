"""What billing announces of credits."""

from pydantic import AwareDatetime, Field

from domain.billing.credit_model import GrantKind
from domain.billing.ids import CreditGrantId, CustomerId, InvoiceId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


@event(
    "billing.credit.granted",
    version="1.0.0",
    source="billing",
    subject="customer_id",
    consumers=("automation", "analytics", "notifications"),
)
class CreditGranted(Event):
    """A customer has credit to spend: a gift, bought and paid for, or given back."""

    tenant_id: TenantId
    credit_grant_id: CreditGrantId
    customer_id: CustomerId
    kind: GrantKind
    amount: Money
    expires_at: AwareDatetime | None = Field(description="What is left then expires.")


@event("billing.credit.applied", version="1.0.0", source="billing", subject="customer_id", consumers=("analytics",))
class CreditApplied(Event):
    """An invoice was paid with credit, or a part of it was."""

    tenant_id: TenantId
    customer_id: CustomerId
    invoice_id: InvoiceId
    amount: Money


@event(
    "billing.credit.closed",
    version="1.0.0",
    source="billing",
    subject="customer_id",
    consumers=("automation", "analytics", "notifications"),
)
class CreditClosed(Event):
    """What was left of a grant has expired, or somebody has voided it."""

    tenant_id: TenantId
    credit_grant_id: CreditGrantId
    customer_id: CustomerId
    lapsed: Money = Field(description="What was left.")
    voided: bool = Field(description="By somebody, and not by time.")
