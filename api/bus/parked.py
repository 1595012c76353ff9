"""`/v1/bus/parked`: events a subscription could not take."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.bus.errors import ParkedEventNotFound
from domain.bus.model import Consume, Parked, ParkedId
from domain.bus.permissions import READ_PARKED_EVENTS, REDELIVER_EVENT
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import ScopeMissing
from domain.security.model import Principal
from workflows.bus.consume import ConsumeWorkflow, workflow_id

router = APIRouter(prefix="/v1/bus/parked", tags=["bus"], route_class=Route)


@router.get("", response_model=Answer[Page[Parked]])
async def list_parked(
    tenant: Annotated[TenantId | None, visible_tenant(READ_PARKED_EVENTS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Parked]]:
    """Parked events, oldest first, each with its reason."""
    return ok(await world.subscriptions.parked(tenant, cursor=cursor, limit=limit))


@router.get("/{parked_id}", response_model=Answer[Parked], responses=problems(ParkedEventNotFound))
async def get_parked(
    parked_id: ParkedId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_PARKED_EVENTS)],
    world: World,
) -> Answer[Parked]:
    """One parked event."""
    return ok(await world.subscriptions.parked_event(tenant, parked_id))


@router.post(
    "/{parked_id}/redeliver",
    status_code=202,
    response_model=Answer[Parked],
    responses=problems(ParkedEventNotFound, ScopeMissing, WorkflowsUnavailable),
)
async def redeliver(
    parked_id: ParkedId,
    admin: Annotated[Principal, may(REDELIVER_EVENT)],
    world: World,
) -> Answer[Parked]:
    """Deliver it again, and then those that waited behind it. It leaves the list when it was taken."""
    tenant = None if admin.is_operator else admin.tenant_id
    parked = await world.subscriptions.parked_event(tenant, parked_id)
    await world.audit(parked.tenant_id, "bus.redeliver", parked_id)
    await world.starter.signal_with_start(
        ConsumeWorkflow.run,
        Consume(subscription=parked.subscription, tenant_id=parked.tenant_id),
        id=workflow_id(parked.tenant_id, parked.subscription),
        summary=f"Reads events for {parked.subscription}",
        signal="redeliver",
        arg=parked_id,
    )
    return ok(parked)
