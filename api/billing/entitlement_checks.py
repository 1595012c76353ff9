"""`/v1/billing/entitlement-checks`: whether a customer may, before it does."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.entitlement_model import EntitlementCheck
from domain.billing.entitlements import check
from domain.billing.errors import CustomerNotFound
from domain.billing.metering_model import Code
from domain.billing.permissions import READ_ENTITLEMENTS
from domain.billing.prices import Quantity
from domain.billing.usage_model import Attribute
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/entitlement-checks", tags=["billing"], route_class=KeyedRoute)


class EntitlementQuestion(Body):
    """Who, what, and how much more of it."""

    customer: Attribute = Field(description="Its id or external id.", examples=["C-2041"])
    feature: Code = Field(examples=["api-calls"])
    quantity: Quantity = Field(
        default=Decimal(1), description="So much more; of a limit, how many there would be.", examples=["1"]
    )


@router.post("", response_model=Answer[EntitlementCheck], responses=problems(TenantRequired, CustomerNotFound))
async def post_entitlement_check(
    body: EntitlementQuestion, tenant: Annotated[TenantId, own_tenant(READ_ENTITLEMENTS)], world: World
) -> Answer[EntitlementCheck]:
    """Whether the customer may, by what it pays for and has used. Asking uses nothing."""
    return ok(
        await world.billing(tenant, lambda uow: check(uow, body.customer, body.feature, body.quantity, utc_now()))
    )
