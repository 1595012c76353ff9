"""`/v1/security/oauth2`: the authorization server's endpoints for applications (OAuth 2.0, OpenID Connect)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.oauth2 import OAuth2Error
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from adapters.container import Container
from adapters.kernel.clock import utc_now
from adapters.security.oauth_endpoints import answer_device, answer_introspection, answer_revocation
from adapters.security.oauth_requests import Desk, Parameters, gather, parameters, readable
from adapters.security.oauth_server import Reply, answer_token
from adapters.telemetry.metrics import TOKEN_REQUESTS
from api.oauth_documents import form_of
from api.parameters import World
from api.routes import Route
from domain.kernel.context import Actor, ActorKind, current_context, within
from domain.kernel.errors import Unauthenticated
from domain.security.oauth import GrantType
from domain.security.ports import SecurityUnitOfWork

router = APIRouter(prefix="/v1/security/oauth2", tags=["oauth2"], route_class=Route)
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@router.post("/token", openapi_extra=form_of("token"))
async def token(world: World, request: Request) -> Response:
    """Tokens for a code, a refresh token, a device, or an application's own credentials (RFC 6749, section 3.2)."""
    return await _answered(world, request, "token", answer_token)


@router.post("/revoke", openapi_extra=form_of("revoke"))
async def revoke(world: World, request: Request) -> Response:
    """Make a token useless, and every other of its authorization (RFC 7009)."""
    return await _answered(world, request, "revoke", answer_revocation)


@router.post("/introspect", openapi_extra=form_of("introspect"))
async def introspect(world: World, request: Request) -> Response:
    """What a token of your tenant says, and whether it still holds (RFC 7662)."""
    return await _answered(world, request, "introspect", answer_introspection)


@router.post("/device_authorization", openapi_extra=form_of("device_authorization"))
async def device_authorization(world: World, request: Request) -> Response:
    """A code for a device, and one for whoever lets it in (RFC 8628)."""
    page = f"{world.settings.issuer}/v1/security/devices"
    return await _answered(world, request, "device_authorization", lambda desk: answer_device(desk, page))


@router.get("/userinfo", openapi_extra=form_of("userinfo"))
async def userinfo(world: World, request: Request) -> Response:
    """Who has signed in, as far as the access token's scopes let the application know (OpenID Connect Core, 5.3)."""
    principal = request.scope["state"]["principal"]
    if principal is None or principal.grant_id is None:
        raise Unauthenticated("an access token is needed", hint="POST /v1/security/oauth2/token gives one.")
    grant_id = principal.grant_id
    holder = await world.security(None, lambda uow: uow.grants.holder(grant_id))
    if holder is None or holder.grant.user_id is None or "openid" not in principal.granted:
        headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="openid"'}
        told = {"error": "insufficient_scope", "error_description": "The access token has no openid scope."}
        return JSONResponse(told, status_code=403, headers=headers)
    claims: dict[str, Any] = {"sub": holder.grant.user_id}
    if "profile" in principal.granted:
        claims["name"] = holder.name
    if "email" in principal.granted:
        claims |= {"email": holder.email, "email_verified": True}
    return JSONResponse(claims, headers=_NO_STORE)


async def _answered(world: Container, request: Request, endpoint: str, answer: Callable[[Desk], Reply]) -> Response:
    """Read, decide, write: one transaction, whatever the answer."""
    grant_type = "none"
    try:
        named = parameters((await request.body()).decode("ascii"))
        grant_type = named.get("grant_type", "none")
        reply = await _decided(world, request, named, endpoint, answer)
    except UnicodeDecodeError:
        reply = Reply(400, {"error": "invalid_request", "error_description": "The body is no form."}, {})
    except OAuth2Error as error:
        status, body, _ = error()
        reply = Reply(status, dict(body), {})
    kind = grant_type if grant_type in set(GrantType) else "none"
    TOKEN_REQUESTS.labels(endpoint, kind, reply.body.get("error", "") if reply.status >= 400 else "").inc()
    challenge = {"WWW-Authenticate": 'Basic realm="harborgrid"'} if reply.status == 401 else {}
    return JSONResponse(reply.body, status_code=reply.status, headers={**_NO_STORE, **challenge})


async def _decided(
    world: Container, request: Request, named: dict[str, str], endpoint: str, answer: Callable[[Desk], Reply]
) -> Reply:
    keys, issuer = await world.signing_keys.ready(), world.settings.issuer
    token_url = f"{issuer}/v1/security/oauth2/{endpoint}"
    told: list[str] = []

    async def work(uow: SecurityUnitOfWork) -> Reply:
        sent = Parameters(named, method="POST", authorization=readable(request.headers.get("authorization", "")))
        desk = Desk(issuer=issuer, now=utc_now(), request=sent)
        await gather(uow, keys, desk, token_url, by_token=endpoint in ("revoke", "introspect"))
        reply = answer(desk)
        with within(current_context().model_copy(update=_doer(desk, reply))):
            for effect in desk.effects:
                await effect(uow)
        told[:] = [desk.holder.grant.id] if desk.holder else []
        return reply

    reply = await world.security(None, work)
    # A grant may have been revoked, or have been given a longer life.
    for grant_id in told:
        world.revocations.tell(grant_id)
    return reply


def _doer(desk: Desk, reply: Reply) -> dict[str, object]:
    """Whose doing it is, once the application has proved what it had to."""
    if reply.status != 200 or desk.client is None:
        return {}
    user = desk.holder.grant.user_id if desk.holder else None
    account = desk.service_account.id if desk.service_account else None
    if user is not None:
        actor = Actor(kind=ActorKind.USER, id=user)
    elif account is not None:
        actor = Actor(kind=ActorKind.SERVICE_ACCOUNT, id=account)
    else:
        return {"tenant_id": desk.client.tenant_id}
    return {"actor": actor, "user_id": user, "tenant_id": desk.client.tenant_id}
