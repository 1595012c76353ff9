"""`/v1/security/legal-holds`: what must not be erased while a matter lasts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Email, Limit, Line, World
from api.principals import known_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from domain.security.ids import LegalHoldId
from domain.security.permissions import LIFT_LEGAL_HOLD, PLACE_LEGAL_HOLD, READ_LEGAL_HOLDS
from domain.security.subject_errors import LegalHoldNotFound
from domain.security.subject_model import LegalHold
from domain.security.subjects import lift_hold, place_hold

router = APIRouter(prefix="/v1/security/legal-holds", tags=["security"], route_class=Route)


class LegalHoldBody(Body):
    """For which matter, and what."""

    matter: Line = Field(examples=["Fjord v. Harbour, case 26-1182"])
    email: Email | None = Field(
        default=None, examples=["ada@example.com"], description="What is about this person; everything unless told."
    )


@router.get("", response_model=Answer[Page[LegalHold]], responses=problems(TenantRequired))
async def list_legal_holds(
    tenant: Annotated[TenantId, known_tenant(READ_LEGAL_HOLDS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[LegalHold]]:
    """Newest first, lifted ones as well."""
    return ok(await world.security(None, lambda uow: uow.subjects.holds(tenant, cursor=cursor, limit=limit)))


@router.post("", status_code=201, response_model=Answer[LegalHold], responses=problems(TenantRequired))
async def post_legal_hold(
    body: LegalHoldBody, tenant: Annotated[TenantId, known_tenant(PLACE_LEGAL_HOLD)], world: World
) -> Answer[LegalHold]:
    """From now on nothing of it is erased: not on a person's request, not by retention, not with the tenant."""
    hold = LegalHold(
        id=new_id(LegalHoldId), tenant_id=tenant, matter=body.matter, subject=body.email, placed_at=utc_now()
    )
    return ok(await world.security(None, lambda uow: place_hold(uow, hold)))


@router.post(
    "/{legal_hold_id}/lift",
    response_model=Answer[LegalHold],
    responses=problems(TenantRequired, LegalHoldNotFound),
)
async def post_legal_hold_lift(
    legal_hold_id: LegalHoldId, tenant: Annotated[TenantId, known_tenant(LIFT_LEGAL_HOLD)], world: World
) -> Answer[LegalHold]:
    """The matter is over; requests that waited for it go on."""
    return ok(await world.security(None, lambda uow: lift_hold(uow, tenant, legal_hold_id, now=utc_now())))
