"""`/v1/billing/coupon-redemptions`: which coupons lessen which customers' invoices."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.coupon_errors import CouponNotRedeemable, CouponRedemptionNotFound, CouponUnknown
from domain.billing.coupon_model import Redemption
from domain.billing.coupons import CouponBooks
from domain.billing.errors import CustomerNotFound, SubscriptionNotFound
from domain.billing.ids import CustomerId, RedemptionId, SubscriptionId
from domain.billing.metering_model import Code
from domain.billing.permissions import END_REDEMPTION, READ_COUPONS, REDEEM_COUPON
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/coupon-redemptions", tags=["billing"], route_class=KeyedRoute)


class RedemptionBody(Body):
    """Whose invoices become less."""

    coupon: Code = Field(examples=["welcome"])
    customer_id: CustomerId = Field(examples=["cus_01h455vb4pex5vsknk084sn02q"])
    subscription_id: SubscriptionId | None = Field(
        default=None,
        description="Only those of this subscription; all of the customer's, if left out.",
        examples=["sub_01h455vb4pex5vsknk084sn02q"],
    )


@router.get("", response_model=Answer[Page[Redemption]], responses=problems(TenantRequired))
async def list_redemptions(
    tenant: Annotated[TenantId, own_tenant(READ_COUPONS)],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Redemption]]:
    """Redeemed coupons, newest first."""
    return ok(await world.billing(tenant, lambda uow: uow.redemptions.page(customer_id, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[Redemption],
    responses=problems(TenantRequired, CustomerNotFound, SubscriptionNotFound, CouponUnknown, CouponNotRedeemable),
)
async def post_redemption(
    body: RedemptionBody, tenant: Annotated[TenantId, own_tenant(REDEEM_COUPON)], world: World
) -> Answer[Redemption]:
    """Redeem a coupon for a customer, once at most. Drafts become less when they become final."""
    return ok(
        await world.billing(
            tenant,
            lambda uow: CouponBooks(uow, tenant, new_id, utc_now()).redeem(
                body.coupon, body.customer_id, body.subscription_id
            ),
        )
    )


@router.post(
    "/{redemption_id}/end",
    response_model=Answer[Redemption],
    responses=problems(TenantRequired, CouponRedemptionNotFound),
)
async def post_redemption_end(
    redemption_id: RedemptionId, tenant: Annotated[TenantId, own_tenant(END_REDEMPTION)], world: World
) -> Answer[Redemption]:
    """It lessens no invoice that becomes final from now on."""
    return ok(await world.billing(tenant, lambda uow: CouponBooks(uow, tenant, new_id, utc_now()).end(redemption_id)))
