"""`/v1/security/applications`: the OAuth clients of a tenant."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

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
from domain.kernel.payload import Body, Payload
from domain.security.applications import disable, register, rotate_secret
from domain.security.errors import RoleAboveYours
from domain.security.ids import ApplicationId, ClientSecretId, ServiceAccountId
from domain.security.model import Principal
from domain.security.oauth import Application, ClientAuthentication, GrantType
from domain.security.oauth_errors import (
    ApplicationInvalid,
    ApplicationNotFound,
    ApplicationWithoutSecrets,
    ServiceAccountNotFound,
    ServiceAccountUnusable,
)
from domain.security.permissions import (
    DISABLE_APPLICATION,
    READ_APPLICATIONS,
    REGISTER_APPLICATION,
    ROTATE_CLIENT_SECRET,
)
from domain.security.tokens import SECRET_BYTES

router = APIRouter(prefix="/v1/security/applications", tags=["security"], route_class=Route)

Uri = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ApplicationBody(Body):
    """What it is, and what it may ask for (the words are those of RFC 7591)."""

    name: Line = Field(examples=["Reports for the harbour office"])
    grant_types: tuple[GrantType, ...] = Field(
        default=(GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN), min_length=1, max_length=4
    )
    redirect_uris: tuple[Uri, ...] = Field(
        default=(), max_length=20, examples=[["https://reports.northwind.example/callback"]]
    )
    scopes: tuple[Line, ...] = Field(
        default=("openid", "profile", "email", "read"),
        min_length=1,
        max_length=10,
        description="The most it can ask for: openid, profile, email, read, write, admin.",
    )
    token_endpoint_auth_method: ClientAuthentication = Field(default=ClientAuthentication.SECRET_BASIC)
    jwks: dict[str, Any] | None = Field(
        default=None, description="Public keys (RFC 7517) for private_key_jwt.", examples=[None]
    )
    service_account_id: ServiceAccountId | None = Field(
        default=None, description="Who it is on its own, with client_credentials.", examples=[None]
    )
    id_token_signed_response_alg: Line = Field(default="RS256", description="EdDSA, ES256 or RS256.")


class NewApplication(Payload):
    """It is registered. Its first secret, if it has secrets, is shown this once."""

    application: Application
    client_secret: str | None


class RotateSecretBody(Body):
    """How long the secrets before still work."""

    overlap_seconds: int = Field(default=86_400, ge=0, le=30 * 86_400)


class NewSecret(Payload):
    """A fresh secret, shown this once."""

    client_secret: str


@router.get("", response_model=Answer[Page[Application]])
async def list_applications(
    tenant: Annotated[TenantId | None, visible_tenant(READ_APPLICATIONS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Application]]:
    """Applications, newest first, disabled ones as well; never their secrets."""
    return ok(await world.security(tenant, lambda uow: uow.applications.page(tenant, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[NewApplication],
    responses=problems(ApplicationInvalid, ServiceAccountNotFound, ServiceAccountUnusable, RoleAboveYours),
)
async def post_application(
    body: ApplicationBody,
    tenant: Annotated[TenantId, own_tenant(REGISTER_APPLICATION)],
    world: World,
    request: Request,
    response: Response,
) -> Answer[NewApplication]:
    """Register an application. Its id is its `client_id`; only members of this tenant can let it in."""
    wanted = Application(
        id=new_id(ApplicationId),
        tenant_id=tenant,
        name=body.name,
        grant_types=tuple(dict.fromkeys(body.grant_types)),
        redirect_uris=tuple(dict.fromkeys(body.redirect_uris)),
        scopes=tuple(dict.fromkeys(body.scopes)),
        authentication=body.token_endpoint_auth_method,
        jwks=body.jwks,
        service_account_id=body.service_account_id,
        id_token_algorithm=body.id_token_signed_response_alg,
        created_at=utc_now(),
    )
    application, secret = await world.security(
        tenant,
        lambda uow: register(
            uow,
            wanted,
            by=role_of(principal_of(request)),
            secret_id=new_id(ClientSecretId),
            randomness=os.urandom(SECRET_BYTES),
            now=utc_now(),
        ),
    )
    response.headers["Cache-Control"] = "no-store"
    return ok(NewApplication(application=application, client_secret=secret))


@router.post(
    "/{application_id}/rotate-secret",
    response_model=Answer[NewSecret],
    responses=problems(ApplicationNotFound, ApplicationWithoutSecrets),
)
async def post_secret(
    application_id: ApplicationId,
    body: RotateSecretBody,
    caller: Annotated[Principal, may(ROTATE_CLIENT_SECRET)],
    world: World,
    response: Response,
) -> Answer[NewSecret]:
    """A fresh secret; those before work for a while longer."""
    secret = await world.security(
        caller.tenant_id,
        lambda uow: rotate_secret(
            uow,
            caller.tenant_id,
            application_id,
            secret_id=new_id(ClientSecretId),
            overlap=timedelta(seconds=body.overlap_seconds),
            randomness=os.urandom(SECRET_BYTES),
            now=utc_now(),
        ),
    )
    response.headers["Cache-Control"] = "no-store"
    return ok(NewSecret(client_secret=secret))


@router.post("/{application_id}/disable", response_model=Answer[Application], responses=problems(ApplicationNotFound))
async def post_disable(
    application_id: ApplicationId, caller: Annotated[Principal, may(DISABLE_APPLICATION)], world: World
) -> Answer[Application]:
    """Let it do nothing any more, from the next request on, for good."""
    disabled = await world.security(
        caller.tenant_id, lambda uow: disable(uow, caller.tenant_id, application_id, now=utc_now())
    )
    world.revocations.tell(application_id)
    return ok(disabled)
