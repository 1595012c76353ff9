"""What the OpenAPI document says of the authorization server: forms go in, and what the RFCs say comes out."""

from __future__ import annotations

from typing import Any

_CLIENT = {"client_id": "app_01h455vb4pex5vsknk084sn02q", "client_secret": "hgx_01h455vb4pex5vsknk084sn02q_9dS…"}
_ERROR = {"error": "invalid_grant", "error_description": "Invalid 'code' in request."}
_TOKEN = {
    "token_type": "Bearer",
    "access_token": "eyJhbGciOiJFZERTQSIs…",
    "expires_in": 600,
    "scope": "openid read",
    "refresh_token": "hgr_01h455vb4pex5vsknk084sn02q_2Jx…",
    "id_token": "eyJhbGciOiJSUzI1NiIs…",
}
_FORMS: dict[str, dict[str, Any] | None] = {
    "token": {"grant_type": "client_credentials", "scope": "read", **_CLIENT},
    "revoke": {"token": _TOKEN["refresh_token"], "token_type_hint": "refresh_token", **_CLIENT},
    "introspect": {"token": _TOKEN["access_token"], **_CLIENT},
    "device_authorization": {"scope": "openid read", **_CLIENT},
    "userinfo": None,
}
_REPLIES: dict[str, dict[str, Any]] = {
    "token": _TOKEN,
    "revoke": {},
    "introspect": {"active": True, "client_id": _CLIENT["client_id"], "scope": "openid read", "exp": 1790000000},
    "device_authorization": {
        "device_code": "hgd_01h455vb4pex5vsknk084sn02q_7Tb…",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://harborgrid.example/v1/security/devices",
        "verification_uri_complete": "https://harborgrid.example/v1/security/devices?user_code=WDJB-MJHT",
        "expires_in": 600,
        "interval": 5,
    },
    "userinfo": {"sub": "usr_01h455vb4pex5vsknk084sn02q", "name": "Ada Lovelace"},
}


def form_of(endpoint: str) -> dict[str, Any]:
    """What OpenAPI is told of an endpoint besides FastAPI's own."""
    form = _FORMS[endpoint]
    told: dict[str, Any] = {
        "responses": {
            "200": _json("The answer.", _REPLIES[endpoint]),
            "400": _json("Why not, in the words of RFC 6749, section 5.2.", _ERROR),
            "401": _json("The application is not the one it says.", {**_ERROR, "error": "invalid_client"}),
        }
    }
    if form is not None:
        properties = {name: {"type": "string"} for name in form}
        schema = {"type": "object", "properties": properties, "additionalProperties": {"type": "string"}}
        content = {"application/x-www-form-urlencoded": {"schema": schema, "example": form}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _json(description: str, example: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "additionalProperties": True}
    return {
        "description": description,
        "content": {"application/json": {"schema": schema, "examples": {"rfc": {"value": example}}}},
    }
