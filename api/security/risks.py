"""`/v1/security/risks`: the risk register, and what is done about each."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from pydantic import Field

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, Prose, World
from api.principals import visible_tenant
from api.problems import problems
from api.processes import tell_of_change, where_it_stands
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security import risks
from domain.security.cvss import scored
from domain.security.ids import RiskId
from domain.security.permissions import (
    ADD_RISK,
    APPROVE_RISK_ACCEPTANCE,
    ASSESS_RISK,
    CLOSE_RISK,
    PLAN_RISK_TREATMENT,
    READ_RISKS,
)
from domain.security.risk_commands import FollowRisk, RiskProgress
from domain.security.risk_errors import (
    CvssVectorInvalid,
    RiskAcceptedByProposer,
    RiskClosed,
    RiskInstantInvalid,
    RiskNotFound,
    RiskReductionInvalid,
    RiskStepNotPossible,
)
from domain.security.risk_model import Risk, RiskLevel, RiskSource, RiskStatus, Treatment, level_of
from workflows.security.risk import RiskWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/risks", tags=["security"], route_class=Route)
log = structlog.get_logger(__name__)
_ONE = problems(RiskNotFound, RiskClosed)

Five = Annotated[int, Field(strict=True, ge=1, le=5)]


class RegisteredRisk(Risk):
    """A risk, with its level: low, moderate, high or critical as likelihood times impact comes to."""

    inherent_level: RiskLevel
    residual_level: RiskLevel | None


class RiskBody(Body):
    """What may go wrong: how likely and how bad, 1 to 5 each, or a CVSS vector, which says both."""

    title: Line = Field(examples=["The payment provider's key is shared by two teams"])
    description: Prose = Field(default="", examples=["Nobody could tell who used it."])
    likelihood: Five | None = Field(
        default=None, examples=[3], description="As the vector has it unless told; 3 without either."
    )
    impact: Five | None = Field(default=None, examples=[4], description="The same.")
    cvss: Line | None = Field(
        default=None, examples=["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"], description="CVSS 3.0, 3.1 or 4.0."
    )


class RiskAssessmentBody(Body):
    """How likely and how bad it is by now."""

    likelihood: Five = Field(examples=[2])
    impact: Five = Field(examples=[4])


class PlanBody(Body):
    """What is done about it, and what is left of it then."""

    treatment: Treatment = Field(examples=["mitigate"])
    plan: Prose = Field(examples=["Each team gets a key of its own."])
    assignee: Line = Field(examples=["payments team"], description="Which team or role sees to it.")
    treat_by: Instant = Field(
        examples=["2027-01-31T00:00:00Z"], description="By when it is done; when an acceptance is looked at again."
    )
    residual_likelihood: Five = Field(examples=[1])
    residual_impact: Five = Field(examples=[4])


class RiskCloseBody(Body):
    """Why."""

    outcome: Line = Field(examples=["Both teams have their own keys; the shared one is revoked."])


@router.get("", response_model=Answer[Page[RegisteredRisk]])
async def list_risks(
    tenant: Annotated[TenantId | None, visible_tenant(READ_RISKS)],
    world: World,
    status: Annotated[RiskStatus | None, Query(description="Only those that stand so.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[RegisteredRisk]]:
    """Newest first. Tenants see their own; the platform's own, such as vulnerabilities, are the operator's."""
    page = await world.security(None, lambda uow: uow.risks.page(tenant, status, cursor=cursor, limit=limit))
    return ok(Page(items=[_shown(each) for each in page.items], next_cursor=page.next_cursor))


@router.post("", status_code=201, response_model=Answer[RegisteredRisk], responses=problems(CvssVectorInvalid))
async def post_risk(
    body: RiskBody, tenant: Annotated[TenantId | None, visible_tenant(ADD_RISK)], world: World
) -> Answer[RegisteredRisk]:
    """Enter a risk. Administrators are mailed, and have 2 to 90 days to decide, by its level.

    An operator who names no tenant enters one of the platform's.
    """
    now, cvss = utc_now(), scored(body.cvss) if body.cvss else None
    likelihood = body.likelihood or (cvss.likelihood if cvss else 3)
    impact = body.impact or (cvss.impact if cvss else 3)
    risk = Risk(
        id=new_id(RiskId),
        tenant_id=tenant,
        title=body.title,
        description=body.description,
        source=RiskSource.MANUAL,
        cvss=body.cvss,
        score=cvss.score if cvss else None,
        likelihood=likelihood,
        impact=impact,
        due_at=risks.decide_by(likelihood, impact, now=now),
        identified_at=now,
    )
    await world.security(tenant, lambda uow: risks.identify(uow, risk, now=now))
    if tenant is None:
        try:
            await world.starter.start(
                RiskWorkflow.run, FollowRisk(risk_id=risk.id), id=workflow_id(None, risk.id), summary=risk.title
            )
        except WorkflowsUnavailable as down:
            # The next scan begins the processes of all that have none.
            log.warning("risk.process_not_begun", risk_id=risk.id, reason=down.message)
    return ok(_shown(risk))


@router.get("/{risk_id}", response_model=Answer[RegisteredRisk], responses=problems(RiskNotFound))
async def get_risk(
    risk_id: RiskId, tenant: Annotated[TenantId | None, visible_tenant(READ_RISKS)], world: World
) -> Answer[RegisteredRisk]:
    """One, with what was decided about it."""
    return ok(_shown(await world.security(None, lambda uow: uow.risks.get(tenant, risk_id))))


@router.post("/{risk_id}/assess", response_model=Answer[RegisteredRisk], responses=_ONE)
async def post_risk_assessment(
    risk_id: RiskId,
    body: RiskAssessmentBody,
    tenant: Annotated[TenantId | None, visible_tenant(ASSESS_RISK)],
    world: World,
) -> Answer[RegisteredRisk]:
    """Say how likely and how bad it is by now. What was decided about it is decided again."""
    assessed = await world.security(
        None,
        lambda uow: risks.assess(uow, tenant, risk_id, likelihood=body.likelihood, impact=body.impact, now=utc_now()),
    )
    return ok(await _told(world, assessed))


@router.post(
    "/{risk_id}/plan",
    response_model=Answer[RegisteredRisk],
    responses={**_ONE, **problems(RiskInstantInvalid, RiskReductionInvalid)},
)
async def post_plan(
    risk_id: RiskId,
    body: PlanBody,
    tenant: Annotated[TenantId | None, visible_tenant(PLAN_RISK_TREATMENT)],
    world: World,
) -> Answer[RegisteredRisk]:
    """Say what is done about it, by whom and by when. To `accept` a high or critical one takes another's approval."""
    plan = risks.Plan(
        body.treatment, body.plan, body.assignee, body.treat_by, body.residual_likelihood, body.residual_impact
    )
    planned = await world.security(None, lambda uow: risks.plan(uow, tenant, risk_id, plan, now=utc_now()))
    return ok(await _told(world, planned))


@router.post(
    "/{risk_id}/approve",
    response_model=Answer[RegisteredRisk],
    responses=problems(RiskNotFound, RiskClosed, RiskStepNotPossible, RiskAcceptedByProposer),
)
async def post_risk_approval(
    risk_id: RiskId, tenant: Annotated[TenantId | None, visible_tenant(APPROVE_RISK_ACCEPTANCE)], world: World
) -> Answer[RegisteredRisk]:
    """Let a high risk be lived with until its review: by somebody other than who proposed it."""
    return ok(
        await _told(world, await world.security(None, lambda uow: risks.approve(uow, tenant, risk_id, now=utc_now())))
    )


@router.post("/{risk_id}/close", response_model=Answer[RegisteredRisk], responses=_ONE)
async def post_risk_close(
    risk_id: RiskId,
    body: RiskCloseBody,
    tenant: Annotated[TenantId | None, visible_tenant(CLOSE_RISK)],
    world: World,
) -> Answer[RegisteredRisk]:
    """It is no more, or was none. A vulnerability that a scan still finds enters again with the next scan."""
    closed = await world.security(None, lambda uow: risks.close(uow, tenant, risk_id, body.outcome, now=utc_now()))
    return ok(await _told(world, closed))


@router.get(
    "/{risk_id}/progress",
    response_model=Answer[RiskProgress],
    responses=problems(RiskNotFound, WorkflowsUnavailable),
)
async def get_risk_progress(
    risk_id: RiskId, tenant: Annotated[TenantId | None, visible_tenant(READ_RISKS)], world: World
) -> Answer[RiskProgress]:
    """What its process does next, and when."""
    there = await world.security(None, lambda uow: uow.risks.get(tenant, risk_id))
    before = RiskProgress(status=there.status.value, next="its process begins")
    return ok(await where_it_stands(world, workflow_id(there.tenant_id, risk_id), RiskWorkflow.progress, before=before))


def _shown(risk: Risk) -> RegisteredRisk:
    residual = None
    if risk.residual_likelihood is not None and risk.residual_impact is not None:
        residual = level_of(risk.residual_likelihood, risk.residual_impact)
    return RegisteredRisk(**dict(risk), inherent_level=risk.level, residual_level=residual)


async def _told(world: Container, risk: Risk) -> RegisteredRisk:
    """A tenant's process hears of it by an event; the platform's is told here, or looks by itself when it is due."""
    if risk.tenant_id is None:
        await tell_of_change(world, workflow_id(None, risk.id), RiskWorkflow.changed, risk.status.value)
    return _shown(risk)
