"""`/v1/security/members`: who belongs to a tenant, and as what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.authorization import principal_of
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import RoleAboveYours, TenantRequired
from domain.security.members import change_role, remove_member
from domain.security.model import Principal
from domain.security.people import Member, Role
from domain.security.people_errors import LastOwner, MemberNotFound
from domain.security.permissions import CHANGE_MEMBER, READ_MEMBERS, REMOVE_MEMBER

router = APIRouter(prefix="/v1/security/members", tags=["security"], route_class=Route)


class RoleBody(Body):
    """What the member shall be."""

    role: Role = Field(examples=["admin"])


@router.get("", response_model=Answer[Page[Member]], responses=problems(TenantRequired))
async def list_members(
    tenant: Annotated[TenantId, own_tenant(READ_MEMBERS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Member]]:
    """The people of the tenant."""
    return ok(await world.security(tenant, lambda uow: uow.members.page(tenant, cursor=cursor, limit=limit)))


@router.get("/{user_id}", response_model=Answer[Member], responses=problems(TenantRequired, MemberNotFound))
async def get_member(
    user_id: UserId, tenant: Annotated[TenantId, own_tenant(READ_MEMBERS)], world: World
) -> Answer[Member]:
    """One of them."""
    return ok(await world.security(tenant, lambda uow: uow.members.get(tenant, user_id)))


@router.patch(
    "/{user_id}",
    response_model=Answer[Member],
    responses=problems(TenantRequired, MemberNotFound, RoleAboveYours, LastOwner),
)
async def patch_member(
    user_id: UserId,
    body: RoleBody,
    tenant: Annotated[TenantId, own_tenant(CHANGE_MEMBER)],
    world: World,
    request: Request,
) -> Answer[Member]:
    """Let a member be something else, from the next request on."""
    by = role_of(principal_of(request))
    changed = await world.security(
        tenant, lambda uow: change_role(uow, tenant, user_id, body.role, by=by, now=utc_now())
    )
    world.revocations.tell(user_id)
    return ok(changed)


@router.delete(
    "/{user_id}",
    response_model=Answer[Member],
    responses=problems(TenantRequired, MemberNotFound, RoleAboveYours, LastOwner),
)
async def delete_member(
    user_id: UserId, tenant: Annotated[TenantId, own_tenant(REMOVE_MEMBER)], world: World, request: Request
) -> Answer[Member]:
    """End a membership and its sessions, from the next request on; who it was."""
    by = role_of(principal_of(request))
    gone = await world.security(tenant, lambda uow: remove_member(uow, tenant, user_id, by=by, now=utc_now()))
    world.revocations.tell(user_id)
    return ok(gone)


def role_of(caller: Principal) -> Role | None:
    """What the caller is among members; an operator stands above."""
    caller = caller.lasting
    return None if caller.is_operator else caller.role or Role.of_scopes(caller.scopes)
