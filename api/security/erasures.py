"""`/v1/security/erasures`: destroying the data keys of tenants that are gone, for the operator."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import may
from api.problems import problems
from api.processes import where_it_stands
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.commands import ErasureProgress
from domain.security.erasures import LONGEST_GRACE, cancel, request
from domain.security.errors import (
    ErasureNotFound,
    ErasureNotOpen,
    ErasureUnderWay,
    OperatorsOnly,
    TenantNotFound,
    TenantStillActive,
)
from domain.security.ids import ErasureId
from domain.security.model import Erasure, Principal
from domain.security.permissions import CANCEL_ERASURE, READ_ERASURES, REQUEST_ERASURE
from domain.security.subject_errors import LegalHoldActive
from workflows.security.erasure import ErasureWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/erasures", tags=["security"], route_class=Route)


class ErasureBody(Body):
    """Whose keys, why, and how long one can still change one's mind."""

    tenant_id: TenantId = Field(examples=["ten_01h455vb4pex5vsknk084sn02q"])
    reason: Line = Field(examples=["the contract ended, and the customer asked for it"])
    grace_days: int = Field(default=30, ge=0, le=LONGEST_GRACE.days)


@router.get("", response_model=Answer[Page[Erasure]], responses=problems(OperatorsOnly))
async def list_erasures(
    _: Annotated[Principal, may(READ_ERASURES)], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[Erasure]]:
    """Erasures, newest first."""
    return ok(await world.security(None, lambda uow: uow.erasures.page(cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[Erasure],
    responses=problems(OperatorsOnly, TenantNotFound, TenantStillActive, ErasureUnderWay, LegalHoldActive),
)
async def post_erasure(
    body: ErasureBody, _: Annotated[Principal, may(REQUEST_ERASURE)], world: World
) -> Answer[Erasure]:
    """Destroy a removed tenant's data keys once the grace is over: what they encrypted is noise from then on."""
    grace = timedelta(days=body.grace_days)
    return ok(
        await world.security(
            body.tenant_id,
            lambda uow: request(uow, body.tenant_id, body.reason, id=new_id(ErasureId), grace=grace, now=utc_now()),
        )
    )


@router.post(
    "/{erasure_id}/cancel",
    response_model=Answer[Erasure],
    responses=problems(OperatorsOnly, ErasureNotFound, ErasureNotOpen),
)
async def post_cancel(
    erasure_id: ErasureId, _: Annotated[Principal, may(CANCEL_ERASURE)], world: World
) -> Answer[Erasure]:
    """Keep the keys after all, as long as the grace lasts."""
    return ok(await world.security(None, lambda uow: cancel(uow, erasure_id, now=utc_now())))


@router.get(
    "/{erasure_id}/progress",
    response_model=Answer[ErasureProgress],
    responses=problems(OperatorsOnly, ErasureNotFound, WorkflowsUnavailable),
)
async def get_progress(
    erasure_id: ErasureId, _: Annotated[Principal, may(READ_ERASURES)], world: World
) -> Answer[ErasureProgress]:
    """What its process does next, and when."""
    there = await world.security(None, lambda uow: uow.erasures.get(erasure_id))
    before = ErasureProgress(status=there.status.value, next="its process begins")
    return ok(await where_it_stands(world, workflow_id(erasure_id), ErasureWorkflow.progress, before=before))
