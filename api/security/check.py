"""`/v1/security/check`: what would be allowed, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from api.authorization import rules_for
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from api.security.questions import MOST, CheckView, PrincipalField, QuestionBody, decide, entitled, subject, view
from domain.kernel.payload import Body
from domain.security.errors import ApiKeyNotFound, PermissionUnknown
from domain.security.model import Principal
from domain.security.people_errors import MemberNotFound
from domain.security.permissions import CHECK_OWN_ACCESS

router = APIRouter(prefix="/v1/security/check", tags=["security"], route_class=Route)


class CheckBody(QuestionBody):
    """May this be done, by whom?"""

    principal: PrincipalField = None


class BatchBody(Body):
    """Many questions about one principal."""

    principal: PrincipalField = None
    checks: list[QuestionBody] = Field(
        min_length=1, max_length=MOST, examples=[[{"action": "analytics.rename_dashboard"}]]
    )


@router.post(
    "", response_model=Answer[CheckView], responses=problems(ApiKeyNotFound, MemberNotFound, PermissionUnknown)
)
async def check(
    body: CheckBody, caller: Annotated[Principal, may(CHECK_OWN_ACCESS)], world: World, request: Request
) -> Answer[CheckView]:
    """Whether a request like this would be allowed now, and by which policies. Asking changes nothing."""
    principal, works = await subject(request, caller, body.principal)
    known = await entitled(world, principal.tenant_id, [body])
    decision = decide(await rules_for(world.access, principal), principal, body, request, known)
    return ok(await view(request, principal, body, decision, works=works))


@router.post(
    "/batch",
    response_model=Answer[list[CheckView]],
    responses=problems(ApiKeyNotFound, MemberNotFound, PermissionUnknown),
)
async def check_batch(
    body: BatchBody, caller: Annotated[Principal, may(CHECK_OWN_ACCESS)], world: World, request: Request
) -> Answer[list[CheckView]]:
    """Up to a thousand questions about one principal, in the order they were asked."""
    principal, works = await subject(request, caller, body.principal)
    rules = await rules_for(world.access, principal)
    known = await entitled(world, principal.tenant_id, body.checks)
    decided = [(asked, decide(rules, principal, asked, request, known)) for asked in body.checks]
    return ok([await view(request, principal, asked, decision, works=works) for asked, decision in decided])
