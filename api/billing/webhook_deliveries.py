"""`/v1/billing/webhook-deliveries`: what became of each message to a webhook endpoint."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.ids import WebhookDeliveryId, WebhookEndpointId
from domain.billing.permissions import READ_WEBHOOKS, REPLAY_WEBHOOKS
from domain.billing.ports import BillingUnitOfWork
from domain.billing.webhook_errors import WebhookDeliveryNotFound
from domain.billing.webhook_model import DeliveryStatus, WebhookAttempt, WebhookDelivery
from domain.billing.webhooks import WebhookBooks
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/webhook-deliveries", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_WEBHOOKS)
_ONE = problems(TenantRequired, WebhookDeliveryNotFound)


class LoggedDelivery(WebhookDelivery):
    """A message with every attempt, oldest first."""

    log: list[WebhookAttempt]


@router.get("", response_model=Answer[Page[WebhookDelivery]], responses=problems(TenantRequired))
async def list_webhook_deliveries(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    endpoint_id: Annotated[WebhookEndpointId | None, Query(alias="endpointId")] = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[WebhookDelivery]]:
    """Messages, newest first."""
    return ok(
        await world.billing(tenant, lambda uow: uow.webhooks.page(endpoint_id, status, cursor=cursor, limit=limit))
    )


@router.get("/{delivery_id}", response_model=Answer[LoggedDelivery], responses=_ONE)
async def get_webhook_delivery(
    delivery_id: WebhookDeliveryId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[LoggedDelivery]:
    """One message. What it says is its event: `GET /v1/bus/events/{eventId}`."""
    return ok(await world.billing(tenant, lambda uow: _logged(uow, delivery_id)))


@router.post("/{delivery_id}/retry", status_code=202, response_model=Answer[WebhookDelivery], responses=_ONE)
async def post_webhook_retry(
    delivery_id: WebhookDeliveryId, tenant: Annotated[TenantId, own_tenant(REPLAY_WEBHOOKS)], world: World
) -> Answer[WebhookDelivery]:
    """Send it once more, whatever became of it."""
    now = utc_now()
    return ok(await world.billing(tenant, lambda uow: WebhookBooks(uow, tenant, new_id, now).retry(delivery_id)))


async def _logged(uow: BillingUnitOfWork, delivery_id: WebhookDeliveryId) -> LoggedDelivery:
    delivery = await uow.webhooks.delivery(delivery_id)
    return LoggedDelivery(**dict(delivery), log=await uow.webhooks.attempts(delivery_id))
