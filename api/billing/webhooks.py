"""`/v1/billing/webhooks`: what payment providers tell by themselves. Each is signed, taken once, and only a hint."""

from __future__ import annotations

from fastapi import APIRouter, Request

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.events import Provider
from domain.billing.payment_errors import PaymentAccountNotConnected, WebhookRefused
from domain.billing.payments import PaymentBooks
from domain.kernel.context import current_context, within
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload

router = APIRouter(prefix="/v1/billing/webhooks", tags=["billing"], route_class=KeyedRoute)


_EVENT = {
    "type": "object",
    "description": "As the provider defines it.",
    "examples": [{"id": "evt_1PqL2eZv", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_3PqL2eZv"}}}],
}


class WebhookTaken(Payload):
    """It is written down; `is_new` is false for one that came before."""

    is_new: bool


@router.post(
    "/{provider}/{tenant_id}",
    response_model=Answer[WebhookTaken],
    responses=problems(WebhookRefused),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": _EVENT}}, "required": True}},
)
async def post_webhook(provider: Provider, tenant_id: TenantId, request: Request, world: World) -> Answer[WebhookTaken]:
    """For the provider alone, which signs what it sends with the secret that it gave when the account was connected."""
    payload = await request.body()
    try:
        webhook = await world.payment_providers.heard(tenant_id, provider, payload, request.headers)
    except PaymentAccountNotConnected:
        # Strangers learn nothing about who is there.
        raise WebhookRefused from None
    with within(current_context().model_copy(update={"tenant_id": tenant_id})):
        is_new = await world.billing(
            tenant_id, lambda uow: PaymentBooks(uow, tenant_id, new_id, utc_now()).hear(provider, webhook)
        )
    return ok(WebhookTaken(is_new=is_new))
