"""`/v1/security/authorize`: where people let applications in (RFC 6749, section 3.1)."""

from __future__ import annotations

import os
from typing import Annotated, Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from fastapi import APIRouter, Request
from pydantic import Field, StrictBool, StringConstraints
from starlette.responses import HTMLResponse, RedirectResponse, Response

from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from adapters.security.oauth_requests import Desk, Parameters, named_client, parameters
from adapters.security.oauth_server import Asked, authorization_request
from api.envelope import Answer, ok
from api.pages import page
from api.parameters import World
from api.principals import may
from api.problems import problems
from api.routes import Route
from api.security.sign_in import person_of
from domain.kernel.payload import Body, Payload
from domain.security.errors import PeopleOnly, StepUpRequired
from domain.security.grants import open_grant
from domain.security.ids import AuthorizationCodeId, GrantId
from domain.security.model import Principal
from domain.security.oauth import (
    CODE_LIFETIME,
    Application,
    AuthorizationCode,
    Grant,
    grantable,
)
from domain.security.oauth_errors import ApplicationNotFound, AuthorizationRefused
from domain.security.permissions import GRANT_AUTHORIZATION
from domain.security.ports import SecurityUnitOfWork
from domain.security.sign_in import still_in
from domain.security.tokens import AUTHORIZATION_CODE, SECRET_BYTES

router = APIRouter(prefix="/v1/security/authorize", tags=["oauth2"], route_class=Route)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    302: {"description": "The request is wrong: back to the application, with an error of RFC 6749, 4.1.2.1."},
    400: {"description": "The application or the place to go back to is unknown.", "content": {"text/html": {}}},
}


class DecisionBody(Body):
    """The application's request, and whether it is allowed."""

    query: Annotated[str, StringConstraints(max_length=8_000)] = Field(
        description="What follows the ? in the address that the application sent you to.",
        examples=["response_type=code&client_id=app_01h455vb4pex5vsknk084sn02q&code_challenge=E9Me…"],
    )
    approved: StrictBool = True


class Decision(Payload):
    """Where to go now: back to the application."""

    redirect_to: str


@router.get("", response_class=HTMLResponse, responses=_ANSWERS)
async def authorize(world: World, request: Request) -> Response:
    """The page where somebody signs in and lets an application in (RFC 6749, section 4.1; PKCE with S256)."""
    query = str(request.url.query)
    try:
        named = parameters(query)
        asked, organisation = await world.security(None, lambda uow: _request(uow, world, named))
    except OAuth2Error as error:
        return _refused(world, error)
    if "none" in named.get("prompt", "").split():
        # Nobody is signed in to a page that nobody has seen.
        unseen = OAuth2Error(error="login_required", redirect_uri=asked.redirect_uri, state=named.get("state"))
        return _refused(world, unseen)
    facts = {
        "kind": "authorize",
        "application": asked.application.name,
        "organisation": organisation,
        "tenantId": asked.application.tenant_id,
        "scopes": asked.scopes,
        "query": query,
    }
    return page("authorize", facts)


@router.post(
    "",
    response_model=Answer[Decision],
    responses=problems(PeopleOnly, ApplicationNotFound, AuthorizationRefused, StepUpRequired),
)
async def decide(
    body: DecisionBody, person: Annotated[Principal, may(GRANT_AUTHORIZATION)], world: World
) -> Answer[Decision]:
    """Let an application act for you, or not. You can take it back at `/v1/security/authorizations`."""
    person_of(person)

    async def work(uow: SecurityUnitOfWork) -> str:
        named = parameters(body.query.removeprefix("?"))
        asked, _ = await _request(uow, world, named)
        if asked.application.tenant_id != person.tenant_id:
            raise ApplicationNotFound
        state = [("state", named["state"])] if "state" in named else []
        if not body.approved:
            return _back(world, asked.redirect_uri, [("error", "access_denied"), *state])
        _prove_recent(person, named.get("max_age"))
        await still_in(uow, person_of(person), person.session_id, now=utc_now())
        code = await _grant_code(uow, person, asked, named.get("nonce"))
        return _back(world, asked.redirect_uri, [("code", code), *state])

    try:
        return ok(Decision(redirect_to=await world.security(person.tenant_id, work)))
    except OAuth2Error as error:
        raise AuthorizationRefused(error=error.error, description=error.description) from None


async def _request(uow: SecurityUnitOfWork, world: Container, named: dict[str, str]) -> tuple[Asked, str]:
    """What is asked for, and the organisation it is asked of. Raises OAuth2Error."""
    desk = Desk(issuer=world.settings.issuer, now=utc_now(), request=Parameters(named, method="GET"))
    desk.client = await named_client(uow, named)
    asked = authorization_request(desk)
    tenant = await uow.tenants.find(asked.application.tenant_id)
    assert tenant is not None, "an application's tenant exists"
    return asked, tenant.organisation


async def _grant_code(uow: SecurityUnitOfWork, person: Principal, asked: Asked, nonce: str | None) -> str:
    now = utc_now()
    grant = grant_by(person, asked.application, asked.scopes, nonce=nonce)
    await open_grant(uow, grant, now=now)
    code_id = new_id(AuthorizationCodeId)
    code, secret_hash = AUTHORIZATION_CODE.mint(code_id, os.urandom(SECRET_BYTES))
    kept = AuthorizationCode(
        id=code_id,
        grant_id=grant.id,
        redirect_uri=asked.redirect_uri,
        code_challenge=asked.code_challenge,
        created_at=now,
        expires_at=grant.expires_at,
    )
    await uow.grants.add_code(kept, secret_hash)
    return code


def grant_by(person: Principal, application: Application, scopes: tuple[str, ...], *, nonce: str | None) -> Grant:
    """What a person allows: at most what they may do themselves. It lives as long as a code does."""
    assert person.role is not None, "people have a role"
    now = utc_now()
    return Grant(
        id=new_id(GrantId),
        tenant_id=application.tenant_id,
        client_id=application.id,
        user_id=person_of(person),
        scopes=grantable(scopes, person.lasting.role or person.role),
        factors=person.factors,
        proved_at=person.proved_at,
        nonce=nonce,
        created_at=now,
        expires_at=now + CODE_LIFETIME,
    )


def _prove_recent(person: Principal, max_age: str | None) -> None:
    """OpenID Connect Core 3.1.2.1. Raises StepUpRequired if the person proved who they are too long ago."""
    if max_age is None:
        return
    if not (max_age.isascii() and max_age.isdigit() and len(max_age) < 10):
        raise AuthorizationRefused(error="invalid_request", description="max_age is no number of seconds.")
    assert person.proved_at is not None, "people have proved who they are"
    if (utc_now() - person.proved_at).total_seconds() > int(max_age):
        raise StepUpRequired(action=GRANT_AUTHORIZATION.name, policies=[])


def _refused(world: Container, error: OAuth2Error) -> Response:
    """The application is told if it is known and its redirect URI is its own; otherwise the person is."""
    if error.redirect_uri is None:
        said = (
            f"The application sent you here with a request that cannot be answered: {error.description or error.error}"
        )
        return page("authorize", {"kind": "error", "message": said}, status=400)
    told = [(name, value) for name, value in error.get_body() if value]
    return RedirectResponse(_back(world, error.redirect_uri, told), status_code=302)


def _back(world: Container, redirect_uri: str, told: list[tuple[str, str]]) -> str:
    """With `iss`, so that an application of several servers knows whose answer it is (RFC 9207)."""
    return str(add_params_to_uri(redirect_uri, [*told, ("iss", world.settings.issuer)]))
