"""Who may call a route, as the type of a parameter: `Annotated[TenantId, own_tenant(RENAME_DASHBOARD)]`.

A route without one of these is in `OPEN`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from api.authorization import demand
from api.parameters import container_of
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.security.errors import TenantDeprovisioned, TenantNotFound, TenantRequired
from domain.security.model import Principal, Tenant, TenantStatus

OPEN = frozenset(
    {
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
        "POST /v1/security/sessions",
        "POST /v1/security/passkey-sign-ins/begin",
        "POST /v1/security/passkey-sign-ins",
        "POST /v1/security/provider-sign-ins/begin",
        "POST /v1/security/provider-sign-ins",
        "POST /v1/security/password-resets",
        "POST /v1/security/password-resets/redeem",
        "POST /v1/security/invitation-links/look-up",
        "POST /v1/security/invitation-links/redeem",
        "GET /.well-known/openid-configuration",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/jwks.json",
        "GET /v1/security/authorize",
        "GET /v1/security/devices",
        "POST /v1/security/oauth2/token",
        "POST /v1/security/oauth2/revoke",
        "POST /v1/security/oauth2/introspect",
        "POST /v1/security/oauth2/device_authorization",
        "GET /v1/security/oauth2/userinfo",
        "POST /v1/billing/webhooks/{provider}/{tenant_id}",
    }
)
"""What strangers may ask: they have no credentials yet, or come with a mailed link, as applications do, or sign it."""
_DEMANDED: dict[Callable[..., Any], Permission] = {}
TenantQuery = Annotated[
    TenantId | None,
    Query(alias="tenantId", description="For the operator: the tenant to look at. Others see their own only."),
]


def may(permission: Permission) -> Any:
    """The caller, a Principal, who may do this."""

    async def caller(request: Request) -> Principal:
        return await demand(request, permission)

    return _depends(caller, permission)


def own_tenant(permission: Permission) -> Any:
    """The TenantId that the caller may do this in: its own, or the one that an operator names."""

    async def tenant(request: Request, asked: TenantQuery = None) -> TenantId:
        principal = await demand(request, permission)
        if principal.tenant_id is not None:
            return principal.tenant_id
        if asked is None:
            raise TenantRequired
        found = await _asked_for(request, asked)
        if found.status is not TenantStatus.ACTIVE:
            raise TenantDeprovisioned
        return found.id

    return _depends(tenant, permission)


def known_tenant(permission: Permission) -> Any:
    """The same, whether or not the tenant was removed meanwhile: some duties outlast it."""

    async def tenant(request: Request, asked: TenantQuery = None) -> TenantId:
        principal = await demand(request, permission)
        if principal.tenant_id is not None:
            return principal.tenant_id
        if asked is None:
            raise TenantRequired
        return (await _asked_for(request, asked)).id

    return _depends(tenant, permission)


def visible_tenant(permission: Permission) -> Any:
    """The TenantId whose things the caller may see; None is an operator who sees every tenant's."""

    async def tenant(request: Request, asked: TenantQuery = None) -> TenantId | None:
        principal = await demand(request, permission)
        if not principal.is_operator:
            return principal.tenant_id
        return (await _asked_for(request, asked)).id if asked else None

    return _depends(tenant, permission)


def permission_of(dependency: Callable[..., Any]) -> Permission | None:
    """The permission that a dependency demands, if it is one of these."""
    return _DEMANDED.get(dependency)


def _depends(dependency: Callable[..., Awaitable[Any]], permission: Permission) -> Any:
    _DEMANDED[dependency] = permission
    return Depends(dependency)


async def _asked_for(request: Request, tenant_id: TenantId) -> Tenant:
    found = await container_of(request).security(None, lambda uow: uow.tenants.find(tenant_id))
    if found is None:
        raise TenantNotFound
    return found
