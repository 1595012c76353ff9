"""`/v1/bus/subscriptions`: who listens, how far they are; rebuild a projection and compare it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StrictBool
from temporalio.client import WorkflowExecutionStatus

from adapters.kernel.clock import new_id
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.principals import own_tenant, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.bus.errors import NotAProjection, RebuildNotFound, SubscriptionNotFound
from domain.bus.model import Rebuild, RebuildId, RebuildReport, Subscription, SubscriptionKind, SubscriptionState
from domain.bus.permissions import READ_REBUILDS, READ_SUBSCRIPTIONS, REBUILD_PROJECTION
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.errors import ScopeMissing, TenantRequired
from workflows.bus.rebuild import RebuildWorkflow, workflow_id

router = APIRouter(prefix="/v1/bus/subscriptions", tags=["bus"], route_class=Route)


class SubscriptionView(Payload):
    """A subscription and its progress per tenant."""

    subscription: Subscription
    tenants: list[SubscriptionState]


class RebuildBody(Body):
    """How to rebuild."""

    swap: StrictBool = Field(default=False, description="Replace the live projection if the replay differs from it.")


class StartedRebuild(Payload):
    """Where to look for the report."""

    id: RebuildId
    workflow_id: str
    href: str


class RebuildView(Payload):
    """Where a rebuild stands; the report comes at its end."""

    id: RebuildId
    status: str
    report: RebuildReport | None


@router.get("", response_model=Answer[list[SubscriptionView]])
async def list_subscriptions(
    tenant: Annotated[TenantId | None, visible_tenant(READ_SUBSCRIPTIONS)],
    world: World,
) -> Answer[list[SubscriptionView]]:
    """Every subscription, with cursor, lag and parked count."""
    states = await world.subscriptions.states(tenant)
    return ok(
        [
            SubscriptionView(
                subscription=world.subscriptions.handler(name).subscription,
                tenants=[state for state in states if state.subscription == name],
            )
            for name in world.subscriptions.names
        ]
    )


@router.post(
    "/{name}/rebuilds",
    status_code=202,
    response_model=Answer[StartedRebuild],
    responses=problems(SubscriptionNotFound, NotAProjection, ScopeMissing, TenantRequired, WorkflowsUnavailable),
)
async def start_rebuild(
    name: Line,
    body: RebuildBody,
    tenant: Annotated[TenantId, own_tenant(REBUILD_PROJECTION)],
    world: World,
) -> Answer[StartedRebuild]:
    """Replay the tenant's events into a shadow of the projection and compare the two."""
    subscription = world.subscriptions.handler(name).subscription
    if subscription.kind is not SubscriptionKind.PROJECTION:
        raise NotAProjection(subscription=name)
    rebuild_id = new_id(RebuildId)
    await world.starter.start(
        RebuildWorkflow.run,
        Rebuild(subscription=name, tenant_id=tenant, swap=body.swap),
        id=workflow_id(tenant, name, rebuild_id),
        summary=f"Rebuild {name}",
    )
    return ok(
        StartedRebuild(
            id=rebuild_id,
            workflow_id=workflow_id(tenant, name, rebuild_id),
            href=f"/v1/bus/subscriptions/{name}/rebuilds/{rebuild_id}",
        )
    )


@router.get(
    "/{name}/rebuilds/{rebuild_id}",
    response_model=Answer[RebuildView],
    responses=problems(RebuildNotFound, SubscriptionNotFound, TenantRequired, WorkflowsUnavailable),
)
async def get_rebuild(
    name: Line,
    rebuild_id: RebuildId,
    tenant: Annotated[TenantId, own_tenant(READ_REBUILDS)],
    world: World,
) -> Answer[RebuildView]:
    """Where it stands and, at the end, whether replay and live projection are equal."""
    world.subscriptions.handler(name)
    id_ = workflow_id(tenant, name, rebuild_id)
    status = await world.starter.status(id_)
    if status is None:
        raise RebuildNotFound
    report = None
    if status is WorkflowExecutionStatus.COMPLETED:
        handle = world.temporal.get_workflow_handle(id_, result_type=RebuildReport)
        report = await handle.result()
    return ok(RebuildView(id=rebuild_id, status=status.name.lower(), report=report))
