"""`/v1/security/policies`: rules in Cedar that a tenant adds to the platform's own."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, StrictBool, StringConstraints

from adapters.kernel.clock import new_id, utc_now
from api.authorization import circumstances_of, principal_of
from api.envelope import Answer, ok
from api.parameters import IfMatch, IfNoneMatch, Line, World, etag, is_known, revision_in
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body
from domain.security.cedar import MAX_CHARACTERS
from domain.security.errors import (
    PolicyInvalid,
    PolicyLocksOut,
    PolicyNotFound,
    TenantRequired,
    TooManyPolicies,
    UpgradeRequired,
)
from domain.security.ids import PolicyId
from domain.security.model import Policy, PolicyRevision
from domain.security.permissions import DELETE_POLICY, PUT_POLICY, READ_POLICIES
from domain.security.policies import Author, Draft, create_policy, delete_policy, replace_policy

router = APIRouter(prefix="/v1/security/policies", tags=["security"], route_class=Route)

Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS, pattern=r"^[^\x00]*$")]
_EXAMPLE = (
    'forbid (principal, action in HarborGrid::Action::"write", resource)\n'
    'when { context has ip && !context.ip.isInRange(ip("203.0.113.0/24")) };'
)
_OWN = own_tenant(READ_POLICIES)
_CHANGED = problems(TenantRequired, UpgradeRequired, PolicyInvalid, PolicyLocksOut)
_REPLACED = problems(PolicyNotFound, PreconditionFailed, PreconditionRequired)


class PolicyBody(Body):
    """What the policy says."""

    name: Line = Field(examples=["office network only"])
    description: str = Field(default="", max_length=2000, pattern=r"^[^\x00]*$")
    text: Text = Field(
        description="Statements in Cedar that fit the schema of GET /v1/security/permissions.", examples=[_EXAMPLE]
    )
    enabled: StrictBool = Field(default=True, description="Whether it decides anything.")


@router.get("", response_model=Answer[list[Policy]], responses=problems(TenantRequired))
async def list_policies(tenant: Annotated[TenantId, _OWN], world: World) -> Answer[list[Policy]]:
    """The tenant's policies, oldest first; a hundred at most."""
    return ok(list(await world.security(tenant, lambda uow: uow.policies.all(tenant))))


@router.post("", status_code=201, response_model=Answer[Policy], responses={**_CHANGED, **problems(TooManyPolicies)})
async def post_policy(
    body: PolicyBody,
    tenant: Annotated[TenantId, own_tenant(PUT_POLICY)],
    world: World,
    request: Request,
    response: Response,
) -> Answer[Policy]:
    """Validate a policy and let it decide from the next request on."""
    vocabulary, author, id_ = world.access.vocabulary, _author(request, tenant), new_id(PolicyId)
    made = await world.security(
        tenant, lambda uow: create_policy(uow, vocabulary, author, _draft(body), policy_id=id_, now=utc_now())
    )
    world.revocations.tell(tenant)
    response.headers["ETag"] = etag(made.revision)
    return ok(made)


@router.get(
    "/{policy_id}",
    response_model=Answer[Policy],
    responses={304: {"description": "You have it."}, **problems(TenantRequired, PolicyNotFound)},
)
async def get_policy(
    policy_id: PolicyId,
    tenant: Annotated[TenantId, _OWN],
    world: World,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> Answer[Policy] | Response:
    """One policy; its ETag is what a change must send back."""
    found = await world.security(tenant, lambda uow: uow.policies.get(tenant, policy_id))
    tag = etag(found.revision)
    if is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return ok(found)


@router.get(
    "/{policy_id}/revisions",
    response_model=Answer[list[PolicyRevision]],
    responses=problems(TenantRequired, PolicyNotFound),
)
async def list_revisions(
    policy_id: PolicyId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[list[PolicyRevision]]:
    """What it said and who made it say so, newest first; also of a policy that was deleted."""
    return ok(list(await world.security(tenant, lambda uow: uow.policies.revisions(tenant, policy_id))))


@router.put("/{policy_id}", response_model=Answer[Policy], responses={**_CHANGED, **_REPLACED})
async def put_policy(
    policy_id: PolicyId,
    body: PolicyBody,
    tenant: Annotated[TenantId, own_tenant(PUT_POLICY)],
    world: World,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[Policy]:
    """Replace a policy, if it is still the version you read; it decides from the next request on."""
    revision = revision_in(if_match)
    replaced = await world.security(
        tenant,
        lambda uow: replace_policy(
            uow,
            world.access.vocabulary,
            _author(request, tenant),
            _draft(body),
            policy_id=policy_id,
            revision=revision,
            now=utc_now(),
        ),
    )
    world.revocations.tell(tenant)
    response.headers["ETag"] = etag(replaced.revision)
    return ok(replaced)


@router.delete(
    "/{policy_id}",
    response_model=Answer[None],
    responses={**_REPLACED, **problems(TenantRequired, PolicyLocksOut)},
)
async def remove_policy(
    policy_id: PolicyId,
    tenant: Annotated[TenantId, own_tenant(DELETE_POLICY)],
    world: World,
    request: Request,
    if_match: IfMatch = None,
) -> Answer[None]:
    """Delete a policy, if it is still the version you read; its revisions are kept."""
    revision = revision_in(if_match)

    async def work(uow: Any) -> None:
        author = _author(request, tenant)
        await delete_policy(uow, world.access.vocabulary, author, policy_id=policy_id, revision=revision, now=utc_now())

    await world.security(tenant, work)
    world.revocations.tell(tenant)
    return ok(None)


def _author(request: Request, tenant: TenantId) -> Author:
    return Author(tenant, principal_of(request), partial(circumstances_of, request))


def _draft(body: PolicyBody) -> Draft:
    return Draft(name=body.name, description=body.description, text=body.text, enabled=body.enabled)
