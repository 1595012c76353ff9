"""`/v1/billing/dunning-cases`: what is being done about invoices that could not be collected, and when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.dunning import dunning_standing, steer_dunning
from domain.billing.dunning_commands import DunningProgress, Steer, SteerDunning
from domain.billing.dunning_errors import DunningCaseNotFound, DunningInstantInvalid, DunningStepNotPossible
from domain.billing.dunning_model import DunningCase, DunningStatus
from domain.billing.ids import CustomerId, InvoiceId
from domain.billing.permissions import READ_DUNNING, STEER_DUNNING
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from workflows.billing.dunning import DunningWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/dunning-cases", tags=["billing"], route_class=KeyedRoute)

_OWN, _STEERS = own_tenant(READ_DUNNING), own_tenant(STEER_DUNNING)
_ONE = (TenantRequired, DunningCaseNotFound)
_STEP = problems(*_ONE, DunningStepNotPossible, DunningInstantInvalid)
_Number = Annotated[int, Field(ge=1, strict=True, description="The step's number.", examples=[3])]


class PauseDunningBody(Body):
    """Why, and until when; without an end until it is resumed."""

    reason: Line = Field(examples=["promised to pay on Friday"])
    until: AwareDatetime | None = Field(default=None, examples=["2027-01-15T09:00:00Z"])


class SkipStepBody(Body):
    """Which step is left out, and why."""

    step: _Number
    reason: Line = Field(examples=["was called by phone"])


class RetimeStepBody(Body):
    """Which step is done at another time, and when."""

    step: _Number
    at: AwareDatetime = Field(examples=["2027-01-15T09:00:00Z"])


class ApproveStepBody(Body):
    """Which step may be done."""

    step: _Number


class StopDunningBody(Body):
    """Why nothing more is done."""

    reason: Line = Field(examples=["settled in court"])


@router.get("", response_model=Answer[Page[DunningCase]], responses=problems(TenantRequired))
async def list_dunning_cases(
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    status: Annotated[DunningStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[DunningCase]]:
    """Cases, those of the newest invoices first."""
    return ok(
        await world.billing(tenant, lambda uow: uow.dunning.page(customer_id, status, cursor=cursor, limit=limit))
    )


@router.get("/{case_id}", response_model=Answer[DunningCase], responses=problems(*_ONE))
async def get_dunning_case(case_id: InvoiceId, tenant: Annotated[TenantId, _OWN], world: World) -> Answer[DunningCase]:
    """What is done about an invoice: every step, when, and what came of it."""
    return ok(await world.billing(tenant, lambda uow: _case(uow, case_id)))


@router.get(
    "/{case_id}/progress",
    response_model=Answer[DunningProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_dunning_progress(
    case_id: InvoiceId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[DunningProgress]:
    """What its process does next, when, and why."""
    case = await world.billing(tenant, lambda uow: _case(uow, case_id))
    id_ = workflow_id(tenant, case_id)
    return ok(await where_it_stands(world, id_, DunningWorkflow.progress, before=dunning_standing(case)))


@router.post("/{case_id}/pause", response_model=Answer[DunningCase], responses=_STEP)
async def post_dunning_pause(
    case_id: InvoiceId, body: PauseDunningBody, tenant: Annotated[TenantId, _STEERS], world: World
) -> Answer[DunningCase]:
    """Nothing is done until then. Steps that fall into the pause are done when it ends."""
    return await _steered(world, tenant, case_id, Steer.PAUSE, at=body.until, reason=body.reason)


@router.post("/{case_id}/resume", response_model=Answer[DunningCase], responses=_STEP)
async def post_dunning_resumption(
    case_id: InvoiceId, tenant: Annotated[TenantId, _STEERS], world: World
) -> Answer[DunningCase]:
    """Go on, with what is due by now."""
    return await _steered(world, tenant, case_id, Steer.RESUME)


@router.post("/{case_id}/skip", response_model=Answer[DunningCase], responses=_STEP)
async def post_skip(
    case_id: InvoiceId, body: SkipStepBody, tenant: Annotated[TenantId, _STEERS], world: World
) -> Answer[DunningCase]:
    """Leave a step out."""
    return await _steered(world, tenant, case_id, Steer.SKIP, step=body.step, reason=body.reason)


@router.post("/{case_id}/retime", response_model=Answer[DunningCase], responses=_STEP)
async def post_retiming(
    case_id: InvoiceId, body: RetimeStepBody, tenant: Annotated[TenantId, _STEERS], world: World
) -> Answer[DunningCase]:
    """Do a step at another time; at once, if that is now."""
    return await _steered(world, tenant, case_id, Steer.RETIME, step=body.step, at=body.at)


@router.post("/{case_id}/approve", response_model=Answer[DunningCase], responses=_STEP)
async def post_step_approval(
    case_id: InvoiceId, body: ApproveStepBody, tenant: Annotated[TenantId, _STEERS], world: World
) -> Answer[DunningCase]:
    """Let a step be done that waits for approval."""
    return await _steered(world, tenant, case_id, Steer.APPROVE, step=body.step)


@router.post("/{case_id}/stop", response_model=Answer[DunningCase], responses=_STEP)
async def post_dunning_stop(
    case_id: InvoiceId, body: StopDunningBody, tenant: Annotated[TenantId, _STEERS], world: World
) -> Answer[DunningCase]:
    """Do nothing more. The invoice stays owed."""
    return await _steered(world, tenant, case_id, Steer.STOP, reason=body.reason)


async def _case(uow: BillingUnitOfWork, case_id: InvoiceId) -> DunningCase:
    case = await uow.dunning.find(case_id)
    if case is None:
        raise DunningCaseNotFound
    return case


async def _steered(
    world: Container, tenant: TenantId, case_id: InvoiceId, verb: Steer, **more: object
) -> Answer[DunningCase]:
    now = utc_now()
    cmd = SteerDunning.model_validate({"tenant_id": tenant, "invoice_id": case_id, "verb": verb, **more})
    return ok(await world.billing(tenant, lambda uow: steer_dunning(uow, cmd, new_id, now=now)))
