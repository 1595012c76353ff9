"""`/v1/billing/platform-plans`: what can be bought."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may
from api.routes import KeyedRoute
from domain.billing.permissions import READ_PLATFORM_PLANS
from domain.billing.platform_model import PlatformPlan
from domain.security.model import Principal

router = APIRouter(prefix="/v1/billing/platform-plans", tags=["billing"], route_class=KeyedRoute)


@router.get("", response_model=Answer[list[PlatformPlan]])
async def list_plans(_: Annotated[Principal, may(READ_PLATFORM_PLANS)], world: World) -> Answer[list[PlatformPlan]]:
    """Every plan, cheapest first."""
    plans = await world.platform_billing(None, lambda uow: uow.plans.all())
    return ok(list(plans))
