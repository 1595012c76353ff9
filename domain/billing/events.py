"""What billing announces: subscriptions, invoices, payments and usage."""

from enum import StrEnum

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from domain.billing.ids import CustomerId, InvoiceId, PaymentId, SubscriptionId
from domain.billing.periods import Interval
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


class SubscriptionChange(StrEnum):
    """What happened to a subscription."""

    SCHEDULED = "scheduled"
    TRIAL_BEGAN = "trial_began"
    TRIAL_EXTENDED = "trial_extended"
    TRIAL_REMINDED = "trial_reminded"
    ACTIVATED = "activated"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    QUANTITY_CHANGED = "quantity_changed"
    EXCHANGED = "exchanged"
    REALIGNED = "realigned"
    TRANSFERRED = "transferred"
    CHANGE_SCHEDULED = "change_scheduled"
    CHANGE_WITHDRAWN = "change_withdrawn"
    RENEWED = "renewed"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLATION_SCHEDULED = "cancellation_scheduled"
    CANCELLATION_WITHDRAWN = "cancellation_withdrawn"
    CANCELED = "canceled"
    REACTIVATED = "reactivated"
    SETTLED = "settled"


class PaymentMethod(StrEnum):
    """How money is collected."""

    CARD = "card"
    SEPA_DEBIT = "sepa_debit"
    BANK_TRANSFER = "bank_transfer"
    PAYPAL = "paypal"
    CREDIT_BALANCE = "credit_balance"


class Provider(StrEnum):
    """Who moves the money."""

    STRIPE = "stripe"
    PAYPAL = "paypal"


class Decline(StrEnum):
    """Whether asking again can help: soft declines may pass later, hard ones need another payment method."""

    SOFT = "soft"
    HARD = "hard"
    AUTHENTICATION_REQUIRED = "authentication_required"


@event(
    "billing.subscription.created",
    version="1.0.0",
    source="billing",
    subject="subscription_id",
    consumers=("analytics", "security", "notifications"),
)
class SubscriptionCreated(Event):
    """A customer subscribed to a plan; without a customer, the tenant itself subscribed to one of the platform's."""

    tenant_id: TenantId | None = Field(default=None, description="Whose customer it is; null without a customer.")
    subscription_id: SubscriptionId
    customer_id: CustomerId | None = Field(
        default=None, description="Null: the tenant, which subscribed to the platform."
    )
    plan_code: str = Field(examples=["pro"])
    plan_version: PositiveInt = Field(default=1, examples=[2])
    price: Money = Field(description="Per period and for all seats and add-ons, before tax and usage.")
    interval: Interval
    interval_count: PositiveInt = Field(default=1, description="A period is so many of them.", examples=[3])
    quantity: PositiveInt = Field(default=1, description="Seats.", examples=[25])
    current_period_start: AwareDatetime = Field(examples=["2026-03-01T00:00:00Z"])
    current_period_end: AwareDatetime = Field(description="Exclusive.", examples=["2026-04-01T00:00:00Z"])
    timezone: str = Field(description="IANA time zone in which periods begin and end.", examples=["Europe/Oslo"])
    onboarding_id: str | None = Field(
        default=None,
        description="The onboarding it was created in, if any.",
        examples=["onb_01h455vb4pex5vsknk084sn02q"],
    )


@event(
    "billing.subscription.updated",
    version="1.0.0",
    source="billing",
    subject="subscription_id",
    consumers=("analytics", "security", "notifications"),
)
class SubscriptionUpdated(Event):
    """A subscription's plan, quantity, period or state changed."""

    tenant_id: TenantId
    subscription_id: SubscriptionId
    customer_id: CustomerId
    change: SubscriptionChange
    previous_plan_code: str = Field(examples=["pro"])
    plan_code: str = Field(description="The plan from then on.", examples=["enterprise"])
    plan_version: PositiveInt = Field(examples=[2])
    previous_price: Money = Field(description="Per period and for all seats and add-ons, before tax and usage.")
    price: Money = Field(description="The same from then on.")
    interval: Interval
    interval_count: PositiveInt = Field(description="A period is so many of them.", examples=[3])
    quantity: PositiveInt = Field(description="Seats from then on.", examples=[25])
    charged: Money = Field(description="What this step charged (positive) or credited (negative) altogether.")
    effective_at: AwareDatetime = Field(
        description="When the change takes effect: now, or the end of the period for changes at renewal."
    )
    current_period_start: AwareDatetime = Field(examples=["2026-03-01T00:00:00Z"])
    current_period_end: AwareDatetime = Field(description="Exclusive.", examples=["2026-04-01T00:00:00Z"])


@event(
    "billing.subscription.canceled",
    version="1.0.0",
    source="billing",
    subject="subscription_id",
    consumers=("analytics", "security", "notifications"),
)
class SubscriptionCanceled(Event):
    """A subscription ended."""

    tenant_id: TenantId | None = Field(default=None, description="Whose customer it is; null without a customer.")
    subscription_id: SubscriptionId
    customer_id: CustomerId | None = Field(default=None, description="Null: the tenant, which left the platform.")
    reason: str = Field(examples=["onboarding compensated"])
    canceled_at: AwareDatetime = Field(description="When it stops to entitle; recurring revenue ends here.")


@event(
    "billing.subscription.reactivated",
    version="1.0.0",
    source="billing",
    subject="subscription_id",
    consumers=("analytics", "security", "notifications"),
)
class SubscriptionReactivated(Event):
    """A subscription that had ended goes on, with a new first period."""

    tenant_id: TenantId
    subscription_id: SubscriptionId
    customer_id: CustomerId
    plan_code: str = Field(examples=["pro"])
    price: Money = Field(description="Per period and for all seats and add-ons, before tax and usage.")
    current_period_start: AwareDatetime = Field(examples=["2026-03-01T00:00:00Z"])
    current_period_end: AwareDatetime = Field(description="Exclusive.", examples=["2026-04-01T00:00:00Z"])


@event(
    "billing.subscription.trial_ending",
    version="1.0.0",
    source="billing",
    subject="subscription_id",
    consumers=("notifications", "automation"),
)
class SubscriptionTrialEnding(Event):
    """A trial ends in three days; from then on the subscription is charged."""

    tenant_id: TenantId
    subscription_id: SubscriptionId
    customer_id: CustomerId
    plan_code: str = Field(examples=["pro"])
    price: Money = Field(description="Per period from then on, before tax and usage.")
    trial_end: AwareDatetime = Field(examples=["2026-04-01T00:00:00Z"])


@event(
    "billing.invoice.paid",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("analytics", "notifications", "security"),
)
class InvoicePaid(Event):
    """An invoice is settled in full."""

    tenant_id: TenantId
    invoice_id: InvoiceId
    customer_id: CustomerId
    number: str = Field(
        description="The number printed on it, gapless per legal entity and year.", examples=["2026-000417"]
    )
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    payment_id: PaymentId | None = Field(
        default=None, description="The payment that settled it; null if credit covered it all."
    )
    paid: Money = Field(description="The invoice's total, tax included.")
    tax: Money = Field(description="The tax in it.")
    method: PaymentMethod
    attempt: PositiveInt = Field(description="Which attempt to collect succeeded; above 1 it was dunned.", examples=[1])


@event(
    "billing.payment.failed",
    version="1.0.0",
    source="billing",
    subject="invoice_id",
    consumers=("notifications", "automation", "analytics"),
)
class PaymentFailed(Event):
    """An attempt to collect an invoice failed for certain; unknown results are reconciled first."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null for one-off invoices.")
    due: Money = Field(description="What could not be collected, tax included.")
    method: PaymentMethod
    provider: Provider
    decline: Decline
    decline_code: str = Field(description="The provider's code, as received.", examples=["insufficient_funds"])
    attempt: PositiveInt = Field(description="How often this invoice was tried, this time included.", examples=[1])
    next_attempt_at: AwareDatetime | None = Field(
        default=None, description="When dunning tries again; null: not by itself."
    )


@event(
    "billing.usage.threshold",
    version="1.0.0",
    source="billing",
    subject="subscription_id",
    consumers=("notifications", "gateway", "analytics"),
)
class UsageThreshold(Event):
    """Metered usage reached a share of what the plan includes; published once per share and period."""

    subscription_id: SubscriptionId
    customer_id: CustomerId
    feature: str = Field(description="The entitlement.", examples=["api-calls"])
    meter: str = Field(description="Code of the meter.", examples=["api_requests"])
    unit: str = Field(description="What one unit of usage is.", examples=["request"])
    used: NonNegativeInt = Field(description="Units so far in this period.", examples=[800_000])
    included: PositiveInt = Field(description="Units that the plan includes per period.", examples=[1_000_000])
    threshold_percent: PositiveInt = Field(
        description="The share that was reached; above 100 it is overage.", examples=[80]
    )
    is_hard_limit: bool = Field(description="Whether usage above what is included is refused, rather than charged.")
    period_start: AwareDatetime = Field(examples=["2026-03-01T00:00:00Z"])
    period_end: AwareDatetime = Field(description="Exclusive.", examples=["2026-04-01T00:00:00Z"])
