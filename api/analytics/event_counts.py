"""`/v1/analytics/event-counts`: a tenant's events per day and type."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.analytics.model import EventCount
from domain.analytics.permissions import READ_EVENT_COUNTS
from domain.kernel.ids import TenantId
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/analytics/event-counts", tags=["analytics"], route_class=Route)


@router.get("", response_model=Answer[list[EventCount]], responses=problems(TenantRequired))
async def list_event_counts(
    tenant: Annotated[TenantId, own_tenant(READ_EVENT_COUNTS)],
    world: World,
) -> Answer[list[EventCount]]:
    """Newest day first; a projection of the event stream, up to date within a second."""
    return ok(list(await world.analytics(tenant, lambda uow: uow.dashboards.event_counts())))
