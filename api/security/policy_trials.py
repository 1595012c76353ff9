"""`/v1/security/policy-trials`: what a policy would change, before it changes anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from api.authorization import principal_of
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from api.security.policies import Text
from api.security.questions import MOST, CheckView, PrincipalField, QuestionBody, decide, entitled, subject, view
from domain.kernel.context import ActorKind
from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Body, Payload
from domain.permissions import PERMISSIONS
from domain.security.errors import ApiKeyNotFound, PermissionUnknown, PolicyInvalid, TenantRequired, UpgradeRequired
from domain.security.ids import ApiKeyId, PolicyId, ServiceAccountId
from domain.security.model import Principal, PrincipalId
from domain.security.people_errors import MemberNotFound
from domain.security.permissions import TRY_POLICY

_PROGRAMS = (ActorKind.API_KEY, ActorKind.SERVICE_ACCOUNT)
router = APIRouter(prefix="/v1/security/policy-trials", tags=["security"], route_class=Route)


class TriedQuestion(QuestionBody):
    """May this be done, by whom?"""

    principal: PrincipalField = None


class TrialBody(Body):
    """A policy that does not decide anything yet."""

    text: Text = Field(
        description="Statements in Cedar.",
        examples=['forbid (principal, action == HarborGrid::Action::"analytics.rename_dashboard", resource);'],
    )
    replaces: PolicyId | None = Field(default=None, description="The policy it would replace. Null: it would be added.")
    checks: list[TriedQuestion] = Field(
        default=[], max_length=MOST, examples=[[{"action": "analytics.rename_dashboard"}]]
    )
    recent: int = Field(
        default=200,
        ge=0,
        le=1_000,
        description="So many of the newest audit records are tried as well.",
    )


class Change(Payload):
    """A decision that would be another one."""

    before: CheckView
    after: CheckView


class Trial(Payload):
    """What would change. Nothing has changed."""

    tried: int = Field(description="Questions that were asked of both, each once.")
    changes: list[Change]


@router.post(
    "",
    response_model=Answer[Trial],
    responses=problems(
        TenantRequired, UpgradeRequired, PolicyInvalid, ApiKeyNotFound, MemberNotFound, PermissionUnknown
    ),
)
async def try_policy(
    body: TrialBody, tenant: Annotated[TenantId, own_tenant(TRY_POLICY)], world: World, request: Request
) -> Answer[Trial]:
    """Validate a policy, and compare decisions with it and without it: the ones you name, and those of late."""
    today = await world.access.of(tenant)
    with_it = await world.access.with_draft(tenant, body.text, replaces=body.replaces)
    caller = principal_of(request)
    questions = dict.fromkeys(body.checks)
    questions.update(dict.fromkeys(await _recent(world, tenant, body.recent)))
    known = await entitled(world, tenant, questions)
    subjects: dict[PrincipalId | None, tuple[Principal, bool]] = {}
    changes, tried = [], 0
    for asked in questions:
        if asked.principal not in subjects:
            subjects[asked.principal] = await subject(request, caller, asked.principal, tenant=tenant)
        principal, works = subjects[asked.principal]
        if not works or principal.tenant_id != tenant:
            continue
        tried += 1
        before, after = (decide(rules, principal, asked, request, known) for rules in (today, with_it))
        if before.allowed != after.allowed:
            views = [await view(request, principal, asked, decision) for decision in (before, after)]
            changes.append(Change(before=views[0], after=views[1]))
    return ok(Trial(tried=tried, changes=changes))


async def _recent(world: World, tenant: TenantId, count: int) -> list[TriedQuestion]:
    """What the tenant's keys and members did or were denied of late, newest first; not of who has left since."""
    if not count:
        return []
    page = await world.audit_trail.page(tenant, cursor=None, limit=count)
    known = [record for record in page.items if record["action"] in PERMISSIONS]
    people = {record["actor_id"] for record in known if record["actor_kind"] == ActorKind.USER}
    here = await world.security(tenant, lambda uow: uow.members.among(tenant, people))
    return [
        # Not validated: what was asked for in vain may be no id at all.
        TriedQuestion.model_construct(
            principal=_principal(record["actor_id"]),
            action=record["action"],
            resource=None if record["resource"] == tenant else record["resource"],
        )
        for record in known
        if record["actor_kind"] in _PROGRAMS or record["actor_id"] in here
    ]


def _principal(id_: str) -> PrincipalId:
    kinds: dict[str, type[PrincipalId]] = {kind.prefix: kind for kind in (UserId, ServiceAccountId, ApiKeyId)}
    return kinds[id_.rpartition("_")[0]](id_)
