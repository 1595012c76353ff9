"""`/v1/security/break-glass-members`: who is chosen for emergencies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from api.authorization import principal_of
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from api.security.members import role_of
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId, UserId
from domain.security.errors import RoleAboveYours
from domain.security.people import Member, Role
from domain.security.people_errors import MemberNotFound
from domain.security.permissions import CHOOSE_GLASS_BREAKERS, READ_GLASS_BREAKERS
from domain.security.ports import SecurityUnitOfWork

router = APIRouter(prefix="/v1/security/break-glass-members", tags=["security"], route_class=Route)


@router.get("", response_model=Answer[list[Member]])
async def list_members(
    tenant: Annotated[TenantId, own_tenant(READ_GLASS_BREAKERS)], world: World
) -> Answer[list[Member]]:
    """Those who can take emergency access."""
    return ok(list(await world.security(tenant, lambda uow: uow.elevations.glass_breakers(tenant))))


@router.put("/{user_id}", response_model=Answer[Member], responses=problems(MemberNotFound, RoleAboveYours))
async def put_member(
    user_id: UserId, tenant: Annotated[TenantId, own_tenant(CHOOSE_GLASS_BREAKERS)], world: World, request: Request
) -> Answer[Member]:
    """As an owner, let a member take emergency access when it has to be."""
    return ok(await _chosen(request, world, tenant, user_id, allowed=True))


@router.delete("/{user_id}", response_model=Answer[Member], responses=problems(MemberNotFound, RoleAboveYours))
async def delete_member(
    user_id: UserId, tenant: Annotated[TenantId, own_tenant(CHOOSE_GLASS_BREAKERS)], world: World, request: Request
) -> Answer[Member]:
    """As an owner, let them no longer. What they have taken goes on until it ends."""
    return ok(await _chosen(request, world, tenant, user_id, allowed=False))


async def _chosen(request: Request, world: World, tenant: TenantId, user_id: UserId, *, allowed: bool) -> Member:
    by = role_of(principal_of(request))
    if by is not None and not by.covers(Role.OWNER):
        raise RoleAboveYours

    async def work(uow: SecurityUnitOfWork) -> Member:
        member = await uow.members.get(tenant, user_id)
        await uow.elevations.let_break_glass(tenant, user_id, allowed=allowed)
        uow.audit.record(
            AuditEntry(
                tenant_id=tenant,
                action=CHOOSE_GLASS_BREAKERS.name,
                resource=user_id,
                details={"allowed": allowed},
            )
        )
        return member

    return await world.security(tenant, work)
