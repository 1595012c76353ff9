"""`/v1/billing/platform-subscriptions`: who is on which plan."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.errors import SubscriptionNotFound
from domain.billing.ids import SubscriptionId
from domain.billing.permissions import READ_PLATFORM_SUBSCRIPTIONS
from domain.billing.platform_model import PlatformSubscription
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page

router = APIRouter(prefix="/v1/billing/platform-subscriptions", tags=["billing"], route_class=KeyedRoute)


@router.get("", response_model=Answer[Page[PlatformSubscription]])
async def list_subscriptions(
    tenant: Annotated[TenantId | None, visible_tenant(READ_PLATFORM_SUBSCRIPTIONS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[PlatformSubscription]]:
    """Subscriptions, newest first."""
    return ok(
        await world.platform_billing(tenant, lambda uow: uow.subscriptions.page(tenant, cursor=cursor, limit=limit))
    )


@router.get(
    "/{platform_subscription_id}", response_model=Answer[PlatformSubscription], responses=problems(SubscriptionNotFound)
)
async def get_subscription(
    platform_subscription_id: SubscriptionId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_PLATFORM_SUBSCRIPTIONS)],
    world: World,
) -> Answer[PlatformSubscription]:
    """One subscription."""
    found = await world.platform_billing(tenant, lambda uow: uow.subscriptions.get(platform_subscription_id))
    if tenant is not None and found.tenant_id != tenant:
        raise SubscriptionNotFound
    return ok(found)
