"""`/v1/billing/usage-events`: what customers' systems report that was used."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.metering import record_usage, void_usage
from domain.billing.metering_errors import UsageConflict, UsageInvalid, UsageNotFound
from domain.billing.permissions import RECORD_USAGE, VOID_USAGE
from domain.billing.ports import BillingUnitOfWork
from domain.billing.usage_model import MOST_EVENTS, Attribute, Recorded, UsageEvent
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body as Wish
from domain.kernel.payload import Payload
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/usage-events", tags=["billing"], route_class=KeyedRoute)

_EXAMPLE = [
    {
        "specversion": "1.0",
        "id": "7f1c-000417",
        "source": "/storage/eu-1",
        "type": "storage.transferred",
        "subject": "C-2041",
        "data": {"gigabytes": "2.5", "region": "eu"},
    }
]
Batch = Annotated[list[UsageEvent], Field(min_length=1, max_length=MOST_EVENTS)]


class VoidBody(Wish):
    """Which event, and why it counts no more."""

    source: Attribute = Field(examples=["/storage/eu-1"])
    id: Attribute = Field(examples=["7f1c-000417"])
    reason: Line = Field(examples=["reported twice under two ids"])


class Voided(Payload):
    """The event that counts no more."""

    source: str
    id: str


@router.post("", response_model=Answer[Recorded], responses=problems(TenantRequired, UsageInvalid, UsageConflict))
async def post_usage_events(
    body: Annotated[UsageEvent | Batch, Body(examples=[_EXAMPLE])],
    tenant: Annotated[TenantId, own_tenant(RECORD_USAGE)],
    world: World,
) -> Answer[Recorded]:
    """Report one CloudEvent, or a batch of them, of which all are kept or none.

    An event is known by its source and id: sent again it counts once, so a batch whose answer was lost is sent again.
    """
    events, now = body if isinstance(body, list) else [body], utc_now()
    return ok(await world.billing(tenant, lambda uow: record_usage(uow, tenant, events, now=now)))


@router.post("/void", response_model=Answer[Voided], responses=problems(TenantRequired, UsageNotFound))
async def post_void(
    body: VoidBody, tenant: Annotated[TenantId, own_tenant(VOID_USAGE)], world: World
) -> Answer[Voided]:
    """An event counts no more. What was charged for it in a closed period is credited when the running one ends."""

    async def voided(uow: BillingUnitOfWork) -> Voided:
        await void_usage(uow, tenant, body.source, body.id, body.reason, now=utc_now())
        return Voided(source=body.source, id=body.id)

    return ok(await world.billing(tenant, voided))
