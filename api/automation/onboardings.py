"""`/v1/workflow/onboardings`: bring an organisation in, watch it, call it off."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.idempotency import IdempotencyKey, keyed, replay
from api.parameters import DEFAULT, Cursor, Email, Limit, Line, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.automation.errors import OnboardingFinished, OnboardingNotFound
from domain.automation.events import OnboardingRequested
from domain.automation.ids import OnboardingId
from domain.automation.model import Onboarding, Step, steps_told_by, what_happens_next
from domain.automation.permissions import CANCEL_ONBOARDING, READ_ONBOARDINGS, REQUEST_ONBOARDING
from domain.automation.service import request_cancellation
from domain.billing.errors import PlatformPlanNotFound
from domain.kernel.context import current_context, within
from domain.kernel.errors import CommitUnknown, DatabaseUnavailable, IdempotencyKeyReused
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body, Payload
from domain.kernel.timezones import TimeZone
from domain.security.errors import OperatorsOnly
from domain.security.model import Principal
from workflows.sagas.onboarding import workflow_id

router = APIRouter(prefix="/v1/workflow/onboardings", tags=["workflow"], route_class=Route)


class OnboardingBody(Body):
    """Who is to be brought in, and on which plan."""

    organisation: Line = Field(examples=["Northwind Traders"])
    owner_name: Line = Field(examples=["Ada Lovelace"])
    owner_email: Email = Field(examples=["ada@northwind.example"])
    plan_code: Line = Field(default="free", examples=["pro"], description="GET /v1/billing/platform-plans lists them.")
    locale: str = Field(
        default="en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, description="BCP 47."
    )
    timezone: TimeZone = "UTC"


class AcceptedOnboarding(Payload):
    """The request is kept, and its workflow starts by itself."""

    id: OnboardingId
    tenant_id: TenantId
    workflow_id: str
    href: str


class OnboardingView(Payload):
    """An onboarding, each step's state, and what comes next."""

    id: OnboardingId
    tenant_id: TenantId
    workflow_id: str
    organisation: str
    plan_code: str
    status: str
    steps: list[Step]
    next: str
    compensated: list[str] = Field(description="Steps that were undone, in the order in which it happened.")
    requested_at: datetime
    cancel_requested_at: datetime | None
    finished_at: datetime | None
    failed_step: str | None
    error_code: str | None
    error_reason: str | None


class CancelBody(Body):
    """Why it is called off."""

    reason: Line = Field(default="cancelled on request")


@router.post(
    "",
    status_code=202,
    response_model=Answer[AcceptedOnboarding],
    responses=problems(OperatorsOnly, PlatformPlanNotFound, IdempotencyKeyReused, DatabaseUnavailable, CommitUnknown),
)
async def request_onboarding(
    body: OnboardingBody,
    operator: Annotated[Principal, may(REQUEST_ONBOARDING)],
    key: IdempotencyKey,
    world: World,
    request: Request,
    response: Response,
) -> Answer[AcceptedOnboarding] | Response:
    """Bring an organisation in. The request is kept even while the workflow service is down."""
    await world.plans.known(body.plan_code)
    tenant_id, onboarding_id = new_id(TenantId), new_id(OnboardingId)
    asked = OnboardingRequested(occurred_at=utc_now(), onboarding_id=onboarding_id, tenant_id=tenant_id, **dict(body))
    accepted = AcceptedOnboarding(
        id=onboarding_id,
        tenant_id=tenant_id,
        workflow_id=workflow_id(tenant_id, onboarding_id),
        href=f"/v1/workflow/onboardings/{onboarding_id}",
    )
    identified = keyed(request, operator, key, body)
    # The onboarding is a story of its own: everything it causes carries its id.
    with within(current_context().model_copy(update={"correlation_id": onboarding_id})):
        is_new = await world.desk.accept(asked, workflow_id=accepted.workflow_id, keyed=identified, answer=accepted)
    if not is_new:
        return await replay(world.database, identified)
    response.headers["Location"] = accepted.href
    return ok(accepted)


@router.get("", response_model=Answer[Page[OnboardingView]])
async def list_onboardings(
    tenant: Annotated[TenantId | None, visible_tenant(READ_ONBOARDINGS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[OnboardingView]]:
    """Onboardings, newest first."""
    page = await world.automation(tenant, lambda uow: uow.onboardings.page(tenant, cursor=cursor, limit=limit))
    views = [await _view(world, onboarding) for onboarding in page.items]
    return ok(Page(items=views, next_cursor=page.next_cursor))


@router.get("/{onboarding_id}", response_model=Answer[OnboardingView], responses=problems(OnboardingNotFound))
async def get_onboarding(
    onboarding_id: OnboardingId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_ONBOARDINGS)],
    world: World,
) -> Answer[OnboardingView]:
    """Each step's state, what happens next and, on failure, what was undone; read from the event stream."""
    onboarding = await world.automation(tenant, lambda uow: uow.onboardings.get(tenant, onboarding_id))
    return ok(await _view(world, onboarding))


@router.post(
    "/{onboarding_id}/cancel",
    status_code=202,
    response_model=Answer[OnboardingView],
    responses=problems(OperatorsOnly, OnboardingNotFound, OnboardingFinished),
)
async def cancel_onboarding(
    onboarding_id: OnboardingId,
    body: CancelBody,
    _: Annotated[Principal, may(CANCEL_ONBOARDING)],
    world: World,
) -> Answer[OnboardingView]:
    """Undo what was done so far, last first. Asking twice is asking once."""
    found = await world.automation(None, lambda uow: uow.onboardings.get(None, onboarding_id))
    with within(current_context().model_copy(update={"correlation_id": onboarding_id})):
        onboarding = await world.automation(
            found.tenant_id, lambda uow: request_cancellation(uow, onboarding_id, reason=body.reason, now=utc_now())
        )
    return ok(await _view(world, onboarding))


async def _view(world: World, onboarding: Onboarding) -> OnboardingView:
    steps = steps_told_by(await world.events.story(None, onboarding.id), onboarding)
    undone = sorted((step for step in steps if step.compensated_at), key=lambda step: str(step.compensated_at))
    return OnboardingView(
        **onboarding.model_dump(include=set(OnboardingView.model_fields) - {"steps", "next", "compensated"}),
        steps=steps,
        next=what_happens_next(onboarding, steps),
        compensated=[step.name for step in undone],
    )
