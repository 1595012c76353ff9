"""`/v1/notifications/deliveries`: what was sent to whom, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.notifications.errors import DeliveryNotFound
from domain.notifications.ids import NotificationId
from domain.notifications.model import Delivery
from domain.notifications.permissions import READ_DELIVERIES
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/notifications/deliveries", tags=["notifications"], route_class=Route)


@router.get("", response_model=Answer[Page[Delivery]], responses=problems(TenantRequired))
async def list_deliveries(
    tenant: Annotated[TenantId, own_tenant(READ_DELIVERIES)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Delivery]]:
    """Deliveries, newest first."""
    return ok(await world.notifications(tenant, lambda uow: uow.deliveries.page(cursor=cursor, limit=limit)))


@router.get("/{notification_id}", response_model=Answer[Delivery], responses=problems(TenantRequired, DeliveryNotFound))
async def get_delivery(
    notification_id: NotificationId,
    tenant: Annotated[TenantId, own_tenant(READ_DELIVERIES)],
    world: World,
) -> Answer[Delivery]:
    """One delivery."""
    return ok(await world.notifications(tenant, lambda uow: uow.deliveries.get(notification_id)))
