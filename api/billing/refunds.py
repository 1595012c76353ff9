"""`/v1/billing/refunds`: money that goes back by the provider that has collected it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.credit_note_errors import RefundNotFound, RefundStepNotPossible
from domain.billing.ids import CustomerId, RefundId
from domain.billing.permissions import READ_REFUNDS, RETRY_REFUND
from domain.billing.refund_commands import RefundProgress
from domain.billing.refund_model import Refund, RefundStatus
from domain.billing.refunds import RefundBooks, refund_standing
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import TenantRequired
from workflows.billing.refund import RefundWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/refunds", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_REFUNDS)
_ONE = (TenantRequired, RefundNotFound)
_STEP = problems(*_ONE, RefundStepNotPossible)


@router.get("", response_model=Answer[Page[Refund]], responses=problems(TenantRequired))
async def list_refunds(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    status: Annotated[RefundStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Refund]]:
    """Refunds, newest first."""
    return ok(
        await world.billing(tenant, lambda uow: uow.refunds.page(customer_id, status, cursor=cursor, limit=limit))
    )


@router.get("/{refund_id}", response_model=Answer[Refund], responses=problems(*_ONE))
async def get_refund(refund_id: RefundId, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[Refund]:
    """One refund. `unknown` means that it was sent and no answer came: it is asked after, not sent again."""
    return ok(await world.billing(tenant, lambda uow: uow.refunds.get(refund_id)))


@router.get(
    "/{refund_id}/progress",
    response_model=Answer[RefundProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_refund_progress(
    refund_id: RefundId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[RefundProgress]:
    """What its process does next, when, and why."""
    there = await world.billing(tenant, lambda uow: uow.refunds.get(refund_id))
    id_ = workflow_id(tenant, refund_id)
    return ok(await where_it_stands(world, id_, RefundWorkflow.progress, before=refund_standing(there)))


@router.post("/{refund_id}/retry", status_code=202, response_model=Answer[Refund], responses=_STEP)
async def post_refund_retry(
    refund_id: RefundId, tenant: Annotated[TenantId, own_tenant(RETRY_REFUND)], world: World
) -> Answer[Refund]:
    """Send one that has failed again."""
    return await _done(world, tenant, lambda books: books.retry(refund_id))


@router.post("/{refund_id}/become-credit", response_model=Answer[Refund], responses=_STEP)
async def post_refund_credit(
    refund_id: RefundId, tenant: Annotated[TenantId, own_tenant(RETRY_REFUND)], world: World
) -> Answer[Refund]:
    """One that has failed: the customer has it to spend instead."""
    return await _done(world, tenant, lambda books: books.become_credit(refund_id))


async def _done(world: Container, tenant: TenantId, step: Callable[[RefundBooks], Awaitable[Refund]]) -> Answer[Refund]:
    return ok(await world.billing(tenant, lambda uow: step(RefundBooks(uow, tenant, new_id, utc_now()))))
