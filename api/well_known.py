"""`/.well-known`: what the authorization server can do, and the keys that its tokens are signed with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from api.parameters import World
from api.routes import Route
from domain.security.jose import ALGORITHMS
from domain.security.oauth import SCOPES, ClientAuthentication, GrantType
from domain.security.signing_keys import JWKS_MAX_AGE

router = APIRouter(prefix="/.well-known", tags=["oauth2"], route_class=Route)
_CACHED = {
    "Cache-Control": f"public, max-age={int(JWKS_MAX_AGE.total_seconds())}",
    "Access-Control-Allow-Origin": "*",
}
_PROVING = [each.value for each in ClientAuthentication if each is not ClientAuthentication.NONE]


@router.get("/openid-configuration")
async def openid_configuration(world: World) -> JSONResponse:
    """OpenID Connect Discovery 1.0."""
    return JSONResponse(_metadata(world.settings.issuer), headers=_CACHED)


@router.get("/oauth-authorization-server")
async def authorization_server(world: World) -> JSONResponse:
    """The same, where RFC 8414 has it."""
    return JSONResponse(_metadata(world.settings.issuer), headers=_CACHED)


@router.get("/jwks.json")
async def jwks(world: World) -> JSONResponse:
    """The public keys (RFC 7517). New ones are here ten minutes before they sign."""
    known = await world.signing_keys.ready()
    return JSONResponse({"keys": [pair.public for pair in known.pairs]}, headers=_CACHED)


def _metadata(issuer: str) -> dict[str, Any]:
    here = f"{issuer}/v1/security/oauth2"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/v1/security/authorize",
        "token_endpoint": f"{here}/token",
        "userinfo_endpoint": f"{here}/userinfo",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "revocation_endpoint": f"{here}/revoke",
        "introspection_endpoint": f"{here}/introspect",
        "device_authorization_endpoint": f"{here}/device_authorization",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [each.value for each in GrantType],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": [each.value for each in ClientAuthentication],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [each.value for each in ClientAuthentication],
        "introspection_endpoint_auth_methods_supported": _PROVING,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "name", "email", "email_verified", "auth_time", "amr", "nonce"],
        "prompt_values_supported": ["none", "login", "consent"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
