"""What billing announces of coupons."""

from pydantic import Field

from domain.billing.ids import CustomerId, RedemptionId, SubscriptionId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId


@event("billing.coupon.added", version="1.0.0", source="billing", subject="coupon_code", consumers=("analytics",))
class CouponAdded(Event):
    """There is a new coupon."""

    coupon_code: str = Field(min_length=1, examples=["welcome"])


@event("billing.coupon.changed", version="1.0.0", source="billing", subject="coupon_code", consumers=("analytics",))
class CouponChanged(Event):
    """Whoever redeems it from now on gets something else."""

    coupon_code: str = Field(min_length=1, examples=["welcome"])


@event("billing.coupon.redeemed", version="1.0.0", source="billing", subject="customer_id", consumers=("analytics",))
class CouponRedeemed(Event):
    """A customer's invoices are less from now on."""

    tenant_id: TenantId
    redemption_id: RedemptionId
    coupon_code: str = Field(examples=["welcome"])
    customer_id: CustomerId
    subscription_id: SubscriptionId | None = Field(default=None, description="Null: for all of the customer's.")


@event("billing.coupon.ended", version="1.0.0", source="billing", subject="customer_id", consumers=("analytics",))
class CouponEnded(Event):
    """A redeemed coupon lessens nothing any more: it was for so many invoices, or somebody has ended it."""

    tenant_id: TenantId
    redemption_id: RedemptionId
    coupon_code: str = Field(examples=["welcome"])
    customer_id: CustomerId
