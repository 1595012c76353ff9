"""`/v1/security/identity-providers`: where a tenant's people can sign in instead."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints

from adapters.kernel.clock import new_id, utc_now
from api.authorization import principal_of
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, Line, World
from api.principals import may, own_tenant, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.sign_in import person_of
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body, Payload
from domain.security.errors import OwnersOnly, PeopleOnly, RoleAboveYours
from domain.security.identity_providers import disable, register, validate
from domain.security.ids import IdentityProviderId
from domain.security.model import Principal
from domain.security.oauth import IdentityProvider
from domain.security.oauth_errors import IdentityProviderInvalid, IdentityProviderNotFound
from domain.security.people import Role
from domain.security.people_errors import ProviderUnreachable
from domain.security.permissions import (
    DISABLE_IDENTITY_PROVIDER,
    READ_IDENTITY_PROVIDERS,
    REGISTER_IDENTITY_PROVIDER,
)

router = APIRouter(prefix="/v1/security/identity-providers", tags=["security"], route_class=Route)
Address = Annotated[str, StringConstraints(min_length=8, max_length=500, pattern=r"^https?://[!-~]+$")]
Domain = Annotated[str, StringConstraints(max_length=253, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]


class ProviderBody(Body):
    """An OpenID Connect provider, and what we are there."""

    name: Line = Field(examples=["Northwind's directory"])
    issuer: Address = Field(examples=["https://login.northwind.example"])
    client_id: Line = Field(examples=["harborgrid"])
    client_secret: Line = Field(examples=["the secret that the provider gave you"])
    redirect_uris: tuple[Line, ...] = Field(max_length=20, examples=[["https://app.northwind.example/signed-in"]])
    join_as: Role | None = Field(
        default=None, description="What people become who are no members yet. Null: they have to be invited."
    )
    domains: tuple[Domain, ...] = Field(
        default=(), max_length=50, description="Whose verified addresses are at one of these, may join."
    )


class ProviderView(Payload):
    """A provider; never our secret there."""

    id: IdentityProviderId
    tenant_id: TenantId
    name: str
    issuer: str
    client_id: str
    redirect_uris: tuple[str, ...]
    join_as: Role | None
    domains: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None


@router.get("", response_model=Answer[Page[ProviderView]])
async def list_providers(
    tenant: Annotated[TenantId | None, visible_tenant(READ_IDENTITY_PROVIDERS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[ProviderView]]:
    """Providers, newest first, disabled ones as well."""
    found = await world.security(tenant, lambda uow: uow.identity_providers.page(tenant, cursor=cursor, limit=limit))
    return ok(Page(items=[_view(each) for each in found.items], next_cursor=found.next_cursor))


@router.post(
    "",
    status_code=201,
    response_model=Answer[ProviderView],
    responses=problems(IdentityProviderInvalid, ProviderUnreachable, RoleAboveYours, PeopleOnly, OwnersOnly),
)
async def post_provider(
    body: ProviderBody,
    tenant: Annotated[TenantId, own_tenant(REGISTER_IDENTITY_PROVIDER)],
    world: World,
    request: Request,
) -> Answer[ProviderView]:
    """Let members sign in there. It is asked at once what it can do.

    It could let in anybody as anybody, owners as well, so an owner who is signed in here has to say so.
    """
    caller = principal_of(request).lasting
    if not caller.is_operator:
        person_of(caller)
        if caller.role is not Role.OWNER or caller.confined_to is not None:
            raise OwnersOnly
    provider_id = new_id(IdentityProviderId)
    provider = IdentityProvider(
        id=provider_id,
        tenant_id=tenant,
        name=body.name,
        issuer=body.issuer,
        client_id=body.client_id,
        sealed=await world.federation.sealed(body.client_secret, tenant=tenant, provider=provider_id),
        redirect_uris=tuple(dict.fromkeys(body.redirect_uris)),
        join_as=body.join_as,
        domains=tuple(dict.fromkeys(body.domains)),
        created_at=utc_now(),
    )
    validate(provider)
    await world.federation.metadata(provider.issuer)
    await world.security(tenant, lambda uow: register(uow, provider))
    return ok(_view(provider))


@router.post(
    "/{provider_id}/disable", response_model=Answer[ProviderView], responses=problems(IdentityProviderNotFound)
)
async def post_disable(
    provider_id: IdentityProviderId,
    caller: Annotated[Principal, may(DISABLE_IDENTITY_PROVIDER)],
    world: World,
) -> Answer[ProviderView]:
    """Nobody signs in there any more. Sessions that are open go on until they end."""
    disabled = await world.security(
        caller.tenant_id, lambda uow: disable(uow, caller.tenant_id, provider_id, now=utc_now())
    )
    return ok(_view(disabled))


def _view(provider: IdentityProvider) -> ProviderView:
    return ProviderView(**provider.model_dump(include=set(ProviderView.model_fields)))
