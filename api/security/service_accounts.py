"""`/v1/security/service-accounts`: programs that are somebody in a tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.authorization import principal_of
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import may, own_tenant, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.members import role_of
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.applications import create_service_account, disable_service_account
from domain.security.errors import RoleAboveYours
from domain.security.ids import ServiceAccountId
from domain.security.model import Principal
from domain.security.oauth import ServiceAccount
from domain.security.oauth_errors import ServiceAccountNotFound
from domain.security.people import Role
from domain.security.permissions import CREATE_SERVICE_ACCOUNT, DISABLE_SERVICE_ACCOUNT, READ_SERVICE_ACCOUNTS

router = APIRouter(prefix="/v1/security/service-accounts", tags=["security"], route_class=Route)


class ServiceAccountBody(Body):
    """Who the program is to be."""

    name: Line = Field(examples=["nightly import"])
    role: Role = Field(default=Role.VIEWER, description="What it is in the tenant; never an owner.")


@router.get("", response_model=Answer[Page[ServiceAccount]])
async def list_service_accounts(
    tenant: Annotated[TenantId | None, visible_tenant(READ_SERVICE_ACCOUNTS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[ServiceAccount]]:
    """Service accounts, newest first, disabled ones as well."""
    return ok(await world.security(tenant, lambda uow: uow.service_accounts.page(tenant, cursor=cursor, limit=limit)))


@router.post("", status_code=201, response_model=Answer[ServiceAccount], responses=problems(RoleAboveYours))
async def post_service_account(
    body: ServiceAccountBody,
    tenant: Annotated[TenantId, own_tenant(CREATE_SERVICE_ACCOUNT)],
    world: World,
    request: Request,
) -> Answer[ServiceAccount]:
    """Let a program be somebody. `POST /v1/security/applications` gives it a way in."""
    account = ServiceAccount(
        id=new_id(ServiceAccountId), tenant_id=tenant, name=body.name, role=body.role, created_at=utc_now()
    )
    by = role_of(principal_of(request))
    await world.security(tenant, lambda uow: create_service_account(uow, account, by=by, now=utc_now()))
    return ok(account)


@router.post(
    "/{service_account_id}/disable",
    response_model=Answer[ServiceAccount],
    responses=problems(ServiceAccountNotFound),
)
async def disable(
    service_account_id: ServiceAccountId,
    caller: Annotated[Principal, may(DISABLE_SERVICE_ACCOUNT)],
    world: World,
) -> Answer[ServiceAccount]:
    """Let it do nothing any more, from the next request on, for good."""
    disabled = await world.security(
        caller.tenant_id,
        lambda uow: disable_service_account(uow, caller.tenant_id, service_account_id, now=utc_now()),
    )
    world.revocations.tell(service_account_id)
    return ok(disabled)
