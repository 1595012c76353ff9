"""`/v1/security/elevations`: being more than you are, for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.authorization import demand
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import Route
from api.security.sign_in import home_of, person_of
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.commands import ElevationProgress
from domain.security.elevations import (
    LONGEST,
    LONGEST_BROKEN,
    Wish,
    break_glass,
    decide,
    end,
    request,
    review,
)
from domain.security.errors import PeopleOnly, RoleAboveYours, StepUpRequired
from domain.security.ids import ElevationId
from domain.security.model import Principal
from domain.security.people import Elevation, Role
from domain.security.people_errors import (
    BreakGlassNotAllowed,
    ElevationNotFound,
    ElevationNotOpen,
    ElevationPointless,
    NotYourOwnElevation,
)
from domain.security.permissions import (
    APPROVE_ELEVATION,
    BREAK_GLASS,
    END_ELEVATION,
    END_OWN_ELEVATION,
    READ_ELEVATIONS,
    READ_OWN_ELEVATIONS,
    REQUEST_ELEVATION,
    REVIEW_ELEVATION,
)
from workflows.security.elevation import ElevationWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/elevations", tags=["security"], route_class=Route)
_FRESH = timedelta(minutes=15)


class ElevationBody(Body):
    """What you want to be, why, and for how long."""

    role: Role = Field(default=Role.ADMIN)
    reason: Line = Field(examples=["the import of last night has to be undone"])
    minutes: int = Field(default=60, ge=5, le=int(LONGEST.total_seconds() // 60))


class BreakGlassBody(Body):
    """What you have to be now, and why."""

    role: Role = Field(default=Role.ADMIN)
    reason: Line = Field(examples=["customers cannot sign in, and nobody else is awake"])
    minutes: int = Field(default=30, ge=5, le=int(LONGEST_BROKEN.total_seconds() // 60))


class ReviewBody(Body):
    """What you have seen."""

    note: Line = Field(examples=["the three records of that hour are in order"])


@router.get("", response_model=Answer[Page[Elevation]])
async def list_elevations(
    tenant: Annotated[TenantId | None, visible_tenant(READ_ELEVATIONS)],
    world: World,
    user_id: Annotated[UserId | None, Query(alias="userId", description="Of this person only.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Elevation]]:
    """Of the tenant's members, newest first, those that are over as well."""
    return ok(
        await world.security(tenant, lambda uow: uow.elevations.page(tenant, user_id, cursor=cursor, limit=limit))
    )


@router.get("/mine", response_model=Answer[list[Elevation]], responses=problems(PeopleOnly))
async def list_own_elevations(
    person: Annotated[Principal, may(READ_OWN_ELEVATIONS)], world: World
) -> Answer[list[Elevation]]:
    """Your latest in this tenant, newest first."""
    user, tenant = person_of(person), person.tenant_id
    page = await world.security(tenant, lambda uow: uow.elevations.page(tenant, user, cursor=None, limit=DEFAULT))
    return ok(page.items)


@router.post("", status_code=201, response_model=Answer[Elevation], responses=problems(PeopleOnly, ElevationPointless))
async def post_elevation(
    body: ElevationBody, person: Annotated[Principal, may(REQUEST_ELEVATION)], world: World
) -> Answer[Elevation]:
    """Ask for it. Whoever can approve it is told by mail, and has a day."""
    wish = _wish(person, body.role, body.reason, body.minutes)
    return ok(await world.security(wish.tenant, lambda uow: request(uow, wish, id=new_id(ElevationId), now=utc_now())))


@router.post(
    "/break-glass",
    status_code=201,
    response_model=Answer[Elevation],
    responses=problems(PeopleOnly, BreakGlassNotAllowed, ElevationPointless, StepUpRequired),
)
async def post_break_glass(
    body: BreakGlassBody, person: Annotated[Principal, may(BREAK_GLASS)], world: World
) -> Answer[Elevation]:
    """Take it at once, in an emergency, if you were chosen for that.

    Prove who you are before, with a second factor. Owners are told, and somebody reviews it afterwards.
    """
    wish = _wish(person, body.role, body.reason, body.minutes)
    fresh = person.proved_at is not None and utc_now() - person.proved_at <= _FRESH
    if not (person.mfa and fresh):
        raise StepUpRequired(action=BREAK_GLASS.name, policies=[])
    taken = await world.security(wish.tenant, lambda uow: break_glass(uow, wish, id=new_id(ElevationId), now=utc_now()))
    world.revocations.tell(wish.user_id)
    return ok(taken)


@router.post(
    "/{elevation_id}/approve",
    response_model=Answer[Elevation],
    responses=problems(PeopleOnly, ElevationNotFound, ElevationNotOpen, NotYourOwnElevation, RoleAboveYours),
)
async def approve(
    elevation_id: ElevationId, person: Annotated[Principal, may(APPROVE_ELEVATION)], world: World
) -> Answer[Elevation]:
    """Let somebody else be it. Its time begins now."""
    return ok(await _decided(elevation_id, person, world, approved=True))


@router.post(
    "/{elevation_id}/deny",
    response_model=Answer[Elevation],
    responses=problems(PeopleOnly, ElevationNotFound, ElevationNotOpen, NotYourOwnElevation, RoleAboveYours),
)
async def deny(
    elevation_id: ElevationId, person: Annotated[Principal, may(APPROVE_ELEVATION)], world: World
) -> Answer[Elevation]:
    """Let nobody be it."""
    return ok(await _decided(elevation_id, person, world, approved=False))


@router.post(
    "/{elevation_id}/end",
    response_model=Answer[Elevation],
    responses=problems(ElevationNotFound, ElevationNotOpen),
)
async def post_end(
    elevation_id: ElevationId,
    caller: Annotated[Principal, may(END_OWN_ELEVATION)],
    world: World,
    request: Request,
) -> Answer[Elevation]:
    """End yours, or as an administrator anybody's, from the next request on."""
    tenant = caller.tenant_id
    there = await world.security(tenant, lambda uow: uow.elevations.get(tenant, elevation_id))
    if there.user_id != caller.id:
        await demand(request, END_ELEVATION)
    ended = await world.security(there.tenant_id, lambda uow: end(uow, tenant, elevation_id, now=utc_now()))
    world.revocations.tell(there.user_id)
    return ok(ended)


@router.post(
    "/{elevation_id}/review",
    response_model=Answer[Elevation],
    responses=problems(PeopleOnly, ElevationNotFound, ElevationNotOpen, NotYourOwnElevation),
)
async def post_review(
    elevation_id: ElevationId,
    body: ReviewBody,
    person: Annotated[Principal, may(REVIEW_ELEVATION)],
    world: World,
) -> Answer[Elevation]:
    """Say that you have looked at what was done behind broken glass."""
    user, tenant = person_of(person), home_of(person)
    return ok(
        await world.security(
            tenant, lambda uow: review(uow, tenant, elevation_id, by=user, note=body.note, now=utc_now())
        )
    )


@router.get(
    "/{elevation_id}/progress",
    response_model=Answer[ElevationProgress],
    responses=problems(ElevationNotFound, WorkflowsUnavailable),
)
async def get_progress(
    elevation_id: ElevationId, caller: Annotated[Principal, may(READ_ELEVATIONS)], world: World
) -> Answer[ElevationProgress]:
    """Who was told, what happens next, and when."""
    tenant = caller.tenant_id
    there = await world.security(tenant, lambda uow: uow.elevations.get(tenant, elevation_id))
    id_ = workflow_id(there.tenant_id, elevation_id)
    before = ElevationProgress(status=there.status.value, next="those who can do something about it are told")
    return ok(await where_it_stands(world, id_, ElevationWorkflow.progress, before=before))


async def _decided(elevation_id: ElevationId, person: Principal, world: World, *, approved: bool) -> Elevation:
    user, tenant = person_of(person), home_of(person)
    decided = await world.security(
        tenant, lambda uow: decide(uow, tenant, elevation_id, approved=approved, by=user, now=utc_now())
    )
    world.revocations.tell(decided.user_id)
    return decided


def _wish(person: Principal, role: Role, reason: str, minutes: int) -> Wish:
    return Wish(home_of(person), person_of(person), role, reason, timedelta(minutes=minutes))
