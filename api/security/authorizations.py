"""`/v1/security/authorizations`: what applications may do for people and as service accounts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.authorization import demand
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.sign_in import person_of
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.errors import PeopleOnly
from domain.security.grants import revoke_grants
from domain.security.ids import GrantId
from domain.security.model import Principal
from domain.security.oauth import Grant, RevokeReason
from domain.security.oauth_errors import AuthorizationNotFound
from domain.security.permissions import (
    READ_AUTHORIZATIONS,
    READ_OWN_AUTHORIZATIONS,
    REVOKE_AUTHORIZATIONS,
    REVOKE_OWN_AUTHORIZATION,
)
from domain.security.ports import SecurityUnitOfWork

router = APIRouter(prefix="/v1/security/authorizations", tags=["security"], route_class=Route)


class AuthorizationView(Grant):
    """What an application was allowed."""

    active: bool = Field(description="Neither revoked nor past its time.")


@router.get("", response_model=Answer[Page[AuthorizationView]])
async def list_authorizations(
    tenant: Annotated[TenantId | None, visible_tenant(READ_AUTHORIZATIONS)],
    world: World,
    user_id: Annotated[UserId | None, Query(alias="userId", description="Of this person only.")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[AuthorizationView]]:
    """Of the tenant's applications, newest first, ended ones as well."""
    found = await world.security(tenant, lambda uow: uow.grants.page(tenant, user_id, cursor=cursor, limit=limit))
    return ok(Page(items=[_view(grant) for grant in found.items], next_cursor=found.next_cursor))


@router.get("/mine", response_model=Answer[list[AuthorizationView]], responses=problems(PeopleOnly))
async def list_own_authorizations(
    person: Annotated[Principal, may(READ_OWN_AUTHORIZATIONS)], world: World
) -> Answer[list[AuthorizationView]]:
    """Which applications act for you, in every tenant of yours, newest first."""
    user = person_of(person)
    found = await world.security(
        None, lambda uow: uow.grants.live(user_id=user, tenant=person.confined_to, now=utc_now())
    )
    return ok([_view(grant) for grant in found])


@router.post("/{grant_id}/revoke", response_model=Answer[AuthorizationView], responses=problems(AuthorizationNotFound))
async def revoke(
    grant_id: GrantId, caller: Annotated[Principal, may(REVOKE_OWN_AUTHORIZATION)], world: World, request: Request
) -> Answer[AuthorizationView]:
    """Take back what an application may do for you, or as an administrator for a member, from the next request on."""
    there = await world.security(None, lambda uow: uow.grants.get(None, grant_id))
    own = _is_own(caller, there)
    if not own and not caller.is_operator and there.tenant_id != caller.tenant_id:
        raise AuthorizationNotFound
    if not own:
        await demand(request, REVOKE_AUTHORIZATIONS)
    reason = RevokeReason.BY_PERSON if own else RevokeReason.BY_ADMINISTRATOR

    async def work(uow: SecurityUnitOfWork) -> Grant:
        await revoke_grants(uow, [await uow.grants.get(None, grant_id)], reason=reason, now=utc_now())
        return await uow.grants.get(None, grant_id)

    revoked = await world.security(there.tenant_id, work)
    world.revocations.tell(grant_id)
    return ok(_view(revoked))


def _is_own(caller: Principal, grant: Grant) -> bool:
    """Whether it is the caller's to take back: a person's own, or the one that an application acts by."""
    if caller.session_id is None:
        return caller.grant_id == grant.id
    return grant.user_id == caller.id and caller.confined_to in (None, grant.tenant_id)


def _view(grant: Grant) -> AuthorizationView:
    return AuthorizationView(**grant.model_dump(), active=grant.is_live(utc_now()))
