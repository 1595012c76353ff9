"""`/v1/billing/plans`: what can be bought."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may
from api.routes import Route
from domain.billing.model import Plan
from domain.billing.permissions import READ_PLANS
from domain.security.model import Principal

router = APIRouter(prefix="/v1/billing/plans", tags=["billing"], route_class=Route)


@router.get("", response_model=Answer[list[Plan]])
async def list_plans(_: Annotated[Principal, may(READ_PLANS)], world: World) -> Answer[list[Plan]]:
    """Every plan, cheapest first."""
    plans = await world.billing(None, lambda uow: uow.plans.all())
    return ok(list(plans))
