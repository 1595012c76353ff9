"""What billing announces of dunning."""

from pydantic import AwareDatetime, Field, PositiveInt

from domain.billing.dunning_model import DunningAction, DunningChannel, DunningStatus, DunningTemplate
from domain.billing.events import Decline
from domain.billing.ids import CustomerId, InvoiceId, SubscriptionId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


@event(
    "billing.dunning.opened",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("automation", "analytics", "notifications"),
)
class DunningOpened(Event):
    """An invoice could not be collected: its process does something about it from now on."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    due: Money = Field(description="Tax included.")
    decline: Decline = Field(description="How the first attempt failed.")


@event(
    "billing.dunning.stepped",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics", "notifications", "security"),
)
class DunningStepped(Event):
    """A step was done."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    step: PositiveInt = Field(examples=[4])
    action: DunningAction
    channel: DunningChannel
    template: DunningTemplate | None = Field(description="Of a reminder; with channel `event`, yours to send.")
    outcome: str = Field(description="What came of it.", examples=["pay_01h455vb4pex5vsknk084sn02q"])


@event(
    "billing.dunning.changed",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("automation",),
)
class DunningChanged(Event):
    """Something else is done than was planned, or at another time; its process looks what."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    change: str = Field(examples=["paused"])


@event(
    "billing.dunning.closed",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("automation", "analytics", "security"),
)
class DunningClosed(Event):
    """Nothing more is done about it."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    outcome: DunningStatus = Field(description="`recovered`: it was paid. `exhausted`: every step was done.")
    was_suspended: bool = Field(description="Whether the subscription was told to be suspended for it.")
    opened_at: AwareDatetime
