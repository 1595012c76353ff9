"""`/v1/security/breaches`: personal data breaches, and the 72 hours that they leave (GDPR, Articles 33 and 34)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, Prose, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.instants import Instant
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security import breaches
from domain.security.breach_errors import (
    BreachClosed,
    BreachDelayUnexplained,
    BreachInstantInvalid,
    BreachNotFound,
    BreachNotSettled,
)
from domain.security.breach_model import Breach, BreachRisk
from domain.security.commands import BreachProgress
from domain.security.errors import TenantRequired
from domain.security.ids import BreachId
from domain.security.permissions import (
    ASSESS_BREACH,
    CLOSE_BREACH,
    READ_BREACHES,
    RECORD_BREACH_NOTICE,
    REPORT_BREACH,
)
from workflows.security.breach import BreachWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/breaches", tags=["security"], route_class=Route)
_ONE = problems(TenantRequired, BreachNotFound, BreachClosed)

Number = Annotated[int, Field(strict=True, ge=0, le=2_000_000_000)]
Categories = Annotated[list[Line], Field(max_length=50)]


class BreachBody(Body):
    """What is known at once; the rest can follow (Article 33(4))."""

    title: Line = Field(examples=["A laptop with a customer list was stolen"])
    aware_at: Instant = Field(
        examples=["2026-03-01T09:21:00Z"], description="When you became aware of it: the clock runs from then."
    )
    nature: Prose = Field(examples=["An unencrypted laptop was taken from a car."])
    categories: Categories = Field(default=[], examples=[["contact data"]], description="Of the data concerned.")
    subjects: Number | None = Field(default=None, examples=[1_200], description="About how many people.")
    risk: BreachRisk = BreachRisk.LIKELY


class AssessmentBody(Body):
    """What is known by now. What is not sent stays as it is."""

    nature: Prose | None = None
    categories: Categories | None = None
    subjects: Number | None = None
    consequences: Prose | None = Field(default=None, examples=["Unwanted mail."])
    measures: Prose | None = Field(default=None, examples=["The disks of all laptops are encrypted now."])
    risk: BreachRisk | None = Field(default=None, examples=["high"])


class NoticeBody(Body):
    """Who was notified, and when."""

    authority: Line = Field(examples=["Datatilsynet"])
    reference: Line | None = Field(default=None, examples=["26/01234"])
    at: Instant = Field(examples=["2026-03-03T16:00:00Z"])
    delay_reason: Prose | None = Field(default=None, description="Wanted if it was later than 72 hours.")


class ToldBody(Body):
    """When the people whose data it is were told."""

    at: Instant = Field(examples=["2026-03-04T10:00:00Z"])


@router.get("", response_model=Answer[Page[Breach]], responses=problems(TenantRequired))
async def list_breaches(
    tenant: Annotated[TenantId, own_tenant(READ_BREACHES)], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[Breach]]:
    """The register that Article 33(5) asks for: all of them, newest first."""
    return ok(await world.security(None, lambda uow: uow.breaches.page(tenant, cursor=cursor, limit=limit)))


@router.post(
    "", status_code=201, response_model=Answer[Breach], responses=problems(TenantRequired, BreachInstantInvalid)
)
async def post_breach(
    body: BreachBody, tenant: Annotated[TenantId, own_tenant(REPORT_BREACH)], world: World
) -> Answer[Breach]:
    """Start the clock. Administrators are mailed at once, and again as the 72 hours run out."""
    now = utc_now()
    breach = Breach(
        id=new_id(BreachId),
        tenant_id=tenant,
        title=body.title,
        nature=body.nature,
        categories=tuple(body.categories),
        subjects=body.subjects,
        risk=body.risk,
        aware_at=body.aware_at,
        due_at=breaches.due(body.aware_at),
        reported_at=now,
    )
    return ok(await world.security(None, lambda uow: breaches.report(uow, breach, now=now)))


@router.post("/{breach_id}/assess", response_model=Answer[Breach], responses=_ONE)
async def post_assessment(
    breach_id: BreachId,
    body: AssessmentBody,
    tenant: Annotated[TenantId, own_tenant(ASSESS_BREACH)],
    world: World,
) -> Answer[Breach]:
    """Say what is known by now: whether it is a risk decides who has to be told."""
    told = {name: getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}
    changes = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return ok(await world.security(None, lambda uow: breaches.assess(uow, tenant, breach_id, changes, now=utc_now())))


@router.post(
    "/{breach_id}/authority-notified",
    response_model=Answer[Breach],
    responses={**_ONE, **problems(TenantRequired, BreachInstantInvalid, BreachDelayUnexplained)},
)
async def post_authority_notified(
    breach_id: BreachId,
    body: NoticeBody,
    tenant: Annotated[TenantId, own_tenant(RECORD_BREACH_NOTICE)],
    world: World,
) -> Answer[Breach]:
    """Record that the supervisory authority was notified: the clock stops."""
    notice = breaches.AuthorityNotice(body.authority, body.reference, body.at, body.delay_reason)
    return ok(
        await world.security(
            None, lambda uow: breaches.authority_notified(uow, tenant, breach_id, notice, now=utc_now())
        )
    )


@router.post(
    "/{breach_id}/subjects-told",
    response_model=Answer[Breach],
    responses={**_ONE, **problems(TenantRequired, BreachInstantInvalid)},
)
async def post_subjects_told(
    breach_id: BreachId, body: ToldBody, tenant: Annotated[TenantId, own_tenant(RECORD_BREACH_NOTICE)], world: World
) -> Answer[Breach]:
    """Record that the people whose data it is were told (Article 34)."""
    return ok(
        await world.security(
            None, lambda uow: breaches.subjects_told(uow, tenant, breach_id, at=body.at, now=utc_now())
        )
    )


@router.post(
    "/{breach_id}/close",
    response_model=Answer[Breach],
    responses=problems(TenantRequired, BreachNotFound, BreachClosed, BreachNotSettled),
)
async def post_close(
    breach_id: BreachId, tenant: Annotated[TenantId, own_tenant(CLOSE_BREACH)], world: World
) -> Answer[Breach]:
    """Everybody was told who has to be: the record stays as it is from then on."""
    return ok(await world.security(None, lambda uow: breaches.close(uow, tenant, breach_id, now=utc_now())))


@router.get(
    "/{breach_id}/progress",
    response_model=Answer[BreachProgress],
    responses=problems(TenantRequired, BreachNotFound, WorkflowsUnavailable),
)
async def get_progress(
    breach_id: BreachId, tenant: Annotated[TenantId, own_tenant(READ_BREACHES)], world: World
) -> Answer[BreachProgress]:
    """What its clock does next, and when."""
    await world.security(None, lambda uow: uow.breaches.get(tenant, breach_id))
    before = BreachProgress(status="running", next="its clock starts")
    return ok(await where_it_stands(world, workflow_id(tenant, breach_id), BreachWorkflow.progress, before=before))
