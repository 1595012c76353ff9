"""What billing announces of payments, besides that they failed."""

from pydantic import AwareDatetime, Field, PositiveInt

from domain.billing.events import Provider
from domain.billing.ids import CustomerId, InvoiceId, PaymentAccountId, PaymentId, PaymentMethodId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


@event(
    "billing.payment.requested",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("automation", "analytics"),
)
class PaymentRequested(Event):
    """An invoice is to be collected: this attempt is written down, and sent by its process."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    amount: Money = Field(description="Tax included.")
    attempt: PositiveInt = Field(description="How often this invoice was tried, this time included.", examples=[1])


@event(
    "billing.payment.hinted",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("automation",),
)
class PaymentHinted(Event):
    """Something may have happened to a payment: its process asks the provider what."""

    tenant_id: TenantId
    payment_id: PaymentId
    hint: str = Field(
        description="The type of the provider's webhook, or what somebody asked for.", examples=["charge.refunded"]
    )


@event(
    "billing.payment.action_required",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("automation", "notifications"),
)
class PaymentActionRequired(Event):
    """The customer's bank wants to know that it is the customer who pays (PSD2, strong customer authentication)."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    due: Money = Field(description="What is collected, tax included.")
    action_url: str | None = Field(
        description="Where the customer does that, if the provider has a page for it.",
        examples=["https://hooks.stripe.com/3d_secure_2/hosted?payment_intent=pi_3PqL2eZv"],
    )
    until: AwareDatetime = Field(description="After that the attempt has failed.")


@event(
    "billing.payment.succeeded",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("analytics",),
)
class PaymentSucceeded(Event):
    """Money was collected."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    amount: Money = Field(description="Tax included.")
    provider: Provider
    reference: str = Field(description="What the provider calls it.", examples=["pi_3PqL2eZv"])
    attempt: PositiveInt = Field(examples=[1])


@event(
    "billing.payment.canceled",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("automation", "analytics"),
)
class PaymentCanceled(Event):
    """An attempt was dropped before any money moved; the provider has confirmed it."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId


@event(
    "billing.payment.refunded",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("analytics", "notifications"),
)
class PaymentRefunded(Event):
    """Money went back to the customer."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    refunded: Money = Field(description="By this refund.")
    refunded_total: Money = Field(description="Of this payment altogether.")


@event(
    "billing.payment.disputed",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("analytics", "notifications"),
)
class PaymentDisputed(Event):
    """The customer says at its bank that it does not owe this (a chargeback may follow)."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    amount: Money = Field(description="Of the payment.")


@event(
    "billing.payment.funds_withdrawn",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("analytics", "notifications"),
)
class PaymentFundsWithdrawn(Event):
    """The provider has taken the money back, because the customer disputes that it is owed."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    withdrawn: Money = Field(description="By this dispute.")
    withdrawn_total: Money = Field(description="Of this payment altogether.")


@event(
    "billing.payment.funds_reinstated",
    version="1.0.0",
    source="billing",
    subject="payment_id",
    consumers=("analytics", "notifications"),
)
class PaymentFundsReinstated(Event):
    """The dispute was won, and the provider has given the money to the seller again."""

    tenant_id: TenantId
    payment_id: PaymentId
    invoice_id: InvoiceId
    customer_id: CustomerId
    reinstated: Money
    withdrawn_total: Money = Field(description="What disputes of this payment still withhold.")


@event(
    "billing.payment_account.connected",
    version="1.0.0",
    source="billing",
    subject="payment_account_id",
    consumers=("security",),
)
class PaymentAccountConnected(Event):
    """A tenant collects by this provider from now on, or with other credentials than before."""

    tenant_id: TenantId
    payment_account_id: PaymentAccountId
    provider: Provider


@event(
    "billing.payment_method.added",
    version="1.0.0",
    source="billing",
    subject="payment_method_id",
    consumers=("automation",),
)
class PaymentMethodAdded(Event):
    """A customer can be collected from by this payment method."""

    tenant_id: TenantId
    payment_method_id: PaymentMethodId
    customer_id: CustomerId
    provider: Provider
    is_default: bool = Field(description="Whether invoices are collected by it from now on.")


@event(
    "billing.payment_method.removed",
    version="1.0.0",
    source="billing",
    subject="payment_method_id",
    consumers=("automation",),
)
class PaymentMethodRemoved(Event):
    """A payment method is used no more; the provider has forgotten it."""

    tenant_id: TenantId
    payment_method_id: PaymentMethodId
    customer_id: CustomerId
