"""`/v1/billing/plans`: what can be bought."""

from __future__ import annotations

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import Reader
from api.routes import Route
from domain.billing.model import Plan

router = APIRouter(prefix="/v1/billing/plans", tags=["billing"], route_class=Route)


@router.get("", response_model=Answer[list[Plan]])
async def list_plans(_: Reader, world: World) -> Answer[list[Plan]]:
    """Every plan, cheapest first."""
    plans = await world.billing(None, lambda uow: uow.plans.all())
    return ok(list(plans))
