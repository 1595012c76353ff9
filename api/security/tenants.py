"""`/v1/security/tenants`: the organisations on the platform."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import OperatorsOnly, TenantNotFound
from domain.security.model import Principal, Tenant
from domain.security.permissions import LIST_TENANTS, READ_TENANT

router = APIRouter(prefix="/v1/security/tenants", tags=["security"], route_class=Route)


@router.get("", response_model=Answer[Page[Tenant]], responses=problems(OperatorsOnly))
async def list_tenants(
    _: Annotated[Principal, may(LIST_TENANTS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Tenant]]:
    """Tenants, newest first."""
    return ok(await world.security(None, lambda uow: uow.tenants.page(cursor=cursor, limit=limit)))


@router.get("/{tenant_id}", response_model=Answer[Tenant], responses=problems(TenantNotFound))
async def get_tenant(
    tenant_id: TenantId,
    caller: Annotated[TenantId | None, visible_tenant(READ_TENANT)],
    world: World,
) -> Answer[Tenant]:
    """One tenant; callers other than the operator find only their own."""
    found = await world.security(None, lambda uow: uow.tenants.find(tenant_id))
    if found is None or (caller is not None and caller != tenant_id):
        raise TenantNotFound
    return ok(found)
