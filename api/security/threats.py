"""`/v1/security/threats`: what looks like an attack, and what is done about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import visible_tenant
from api.problems import problems
from api.processes import tell_of_change, where_it_stands
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security import threats
from domain.security.commands import ThreatProgress
from domain.security.ids import NetworkBanId, ThreatId
from domain.security.permissions import CLOSE_THREAT, CONTAIN_THREAT, READ_THREATS
from domain.security.threat_errors import ThreatNotFound, ThreatNotOpen
from domain.security.threat_model import Threat, ThreatStatus, Verdict
from workflows.security.threat import ThreatWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/threats", tags=["security"], route_class=Route)


class CloseBody(Body):
    """What it was."""

    verdict: Verdict = Field(examples=["false_positive"], description="`false_positive` lifts what it has banned.")
    note: Line | None = Field(default=None, examples=["the nightly import has an old key"])


@router.get("", response_model=Answer[Page[Threat]])
async def list_threats(
    tenant: Annotated[TenantId | None, visible_tenant(READ_THREATS)],
    world: World,
    status: Annotated[ThreatStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Threat]]:
    """Newest first."""
    return ok(await world.security(None, lambda uow: uow.threats.page(tenant, status, cursor=cursor, limit=limit)))


@router.get("/{threat_id}", response_model=Answer[Threat], responses=problems(ThreatNotFound))
async def get_threat(
    threat_id: ThreatId, tenant: Annotated[TenantId | None, visible_tenant(READ_THREATS)], world: World
) -> Answer[Threat]:
    """One, with the ids of the events and audit records it was concluded from."""
    return ok(await world.security(None, lambda uow: uow.threats.get(tenant, threat_id)))


@router.get(
    "/{threat_id}/progress",
    response_model=Answer[ThreatProgress],
    responses=problems(ThreatNotFound, WorkflowsUnavailable),
)
async def get_progress(
    threat_id: ThreatId, tenant: Annotated[TenantId | None, visible_tenant(READ_THREATS)], world: World
) -> Answer[ThreatProgress]:
    """What its process does next, and when."""
    there = await world.security(None, lambda uow: uow.threats.get(tenant, threat_id))
    before = ThreatProgress(status=there.status.value, next="its process begins")
    return ok(
        await where_it_stands(world, workflow_id(there.tenant_id, threat_id), ThreatWorkflow.progress, before=before)
    )


@router.post("/{threat_id}/contain", response_model=Answer[Threat], responses=problems(ThreatNotFound, ThreatNotOpen))
async def post_contain(
    threat_id: ThreatId, tenant: Annotated[TenantId | None, visible_tenant(CONTAIN_THREAT)], world: World
) -> Answer[Threat]:
    """Have done what its rule proposes, at once."""
    ban_id = new_id(NetworkBanId)
    contained = await world.security(
        None, lambda uow: threats.approve(uow, tenant, threat_id, ban_id=ban_id, now=utc_now())
    )
    await tell_of_change(world, workflow_id(contained.tenant_id, threat_id), ThreatWorkflow.changed, "contained")
    return ok(contained)


@router.post("/{threat_id}/close", response_model=Answer[Threat], responses=problems(ThreatNotFound, ThreatNotOpen))
async def post_close(
    threat_id: ThreatId, body: CloseBody, tenant: Annotated[TenantId | None, visible_tenant(CLOSE_THREAT)], world: World
) -> Answer[Threat]:
    """Say what it was. More of the same is another threat from then on."""
    closed = await world.security(
        None, lambda uow: threats.close(uow, tenant, threat_id, body.verdict, body.note, now=utc_now())
    )
    await tell_of_change(world, workflow_id(closed.tenant_id, threat_id), ThreatWorkflow.changed, "closed")
    return ok(closed)
