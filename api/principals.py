"""Who may do what, as the type of a parameter: a route without one of these is open to everyone.

`Reader`, `Writer` and `Admin` are callers with that scope: a tenant's own key, or the operator.
`TenantOf...` is the tenant they act in. `Operator` is the platform's operator alone.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from api.parameters import container_of
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import TenantId
from domain.security.errors import OperatorsOnly, ScopeMissing, TenantDeprovisioned, TenantNotFound, TenantRequired
from domain.security.model import Principal, Scope, Tenant, TenantStatus


def principal_of(request: Request) -> Principal:
    """The caller. Raises Unauthenticated."""
    principal: Principal | None = request.scope["state"]["principal"]
    if principal is None:
        raise Unauthenticated
    return principal


async def _reader(request: Request) -> Principal:
    return _demand(request, Scope.READ)


async def _writer(request: Request) -> Principal:
    return _demand(request, Scope.WRITE)


async def _admin(request: Request) -> Principal:
    return _demand(request, Scope.ADMIN)


async def _operator(request: Request) -> Principal:
    principal = principal_of(request)
    if not principal.is_operator:
        raise OperatorsOnly
    return principal


def _demand(request: Request, scope: Scope) -> Principal:
    principal = principal_of(request)
    if not principal.may(scope):
        raise ScopeMissing(scope=scope)
    return principal


TenantQuery = Annotated[
    TenantId | None,
    Query(alias="tenantId", description="For the operator: the tenant to look at. Others see their own only."),
]


async def _asked_for(request: Request, tenant_id: TenantId) -> Tenant:
    found = await container_of(request).security(None, lambda uow: uow.tenants.find(tenant_id))
    if found is None:
        raise TenantNotFound
    return found


async def _visible(request: Request, principal: Principal, asked: TenantId | None) -> TenantId | None:
    if not principal.is_operator:
        return principal.tenant_id
    return (await _asked_for(request, asked)).id if asked else None


async def _own_of(request: Request, principal: Principal, asked: TenantId | None) -> TenantId:
    if principal.tenant_id is not None:
        return principal.tenant_id
    if asked is None:
        raise TenantRequired
    tenant = await _asked_for(request, asked)
    if tenant.status is not TenantStatus.ACTIVE:
        raise TenantDeprovisioned
    return tenant.id


async def _readable(request: Request, asked: TenantQuery = None) -> TenantId | None:
    return await _visible(request, _demand(request, Scope.READ), asked)


async def _own(request: Request, asked: TenantQuery = None) -> TenantId:
    return await _own_of(request, _demand(request, Scope.READ), asked)


async def _own_to_write(request: Request, asked: TenantQuery = None) -> TenantId:
    return await _own_of(request, _demand(request, Scope.WRITE), asked)


async def _own_to_administer(request: Request, asked: TenantQuery = None) -> TenantId:
    return await _own_of(request, _demand(request, Scope.ADMIN), asked)


Reader = Annotated[Principal, Depends(_reader)]
Writer = Annotated[Principal, Depends(_writer)]
Admin = Annotated[Principal, Depends(_admin)]
Operator = Annotated[Principal, Depends(_operator)]

Readable = Annotated[TenantId | None, Depends(_readable)]
"""A reader's own tenant; None is the operator, who sees every tenant."""
TenantOfReader = Annotated[TenantId, Depends(_own)]
TenantOfWriter = Annotated[TenantId, Depends(_own_to_write)]
TenantOfAdmin = Annotated[TenantId, Depends(_own_to_administer)]
