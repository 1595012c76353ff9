"""The OpenAPI 3.1 document: security scheme, common headers and refusals on every operation."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from adapters.settings import Settings
from api.directory import Directory
from api.envelope import API_VERSION, Refusal
from api.principals import OPEN
from api.problems import problems
from domain.kernel.errors import (
    DatabaseUnavailable,
    HarborGridError,
    IdempotencyKeyReused,
    Invalid,
    Malformed,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
)
from domain.kernel.pagination import BadCursor
from domain.security.errors import ScopeMissing, TenantDeprovisioned, TenantNotFound

_DESCRIPTION = """
Every answer is an envelope `{success, data, error, metadata}`. Programs send an API key in `X-API-Key`;
people sign in at `POST /v1/security/sessions` and send the token they get as `Authorization: Bearer`; applications
get access tokens from the authorization server (`/.well-known/openid-configuration`) and send them the same way.
Every answer carries `X-Request-ID`, `X-Correlation-ID` and `X-API-Version`.
Lists are pages: send `nextCursor` back as `cursor`. Updates need `If-Match` with the ETag that GET gave.
"""
_EVERYWHERE: tuple[type[HarborGridError], ...] = (Invalid, TooLarge)
_GUARDED: tuple[type[HarborGridError], ...] = (Unauthenticated, ScopeMissing, DatabaseUnavailable)
_WITH_BODY: tuple[type[HarborGridError], ...] = (Malformed, UnsupportedMediaType)
_REFUSAL = {"$ref": "#/components/schemas/Refusal"}
_HEADERS = {
    "X-Request-ID": "This request's id; name it when you ask for help.",
    "X-Correlation-ID": "The story this request belongs to: yours, if you sent one.",
    "X-API-Version": "Version of the API.",
}
_MORE_HEADERS = {
    "401": {"WWW-Authenticate": "The scheme of the credentials that are missing."},
    "429": {"Retry-After": "Seconds to wait before asking again."},
    "503": {"Retry-After": "Seconds to wait before asking again."},
}


class ServedDocument:
    """The document as it is served. To make it takes seconds, so it is made on a thread while others are answered."""

    def __init__(self, directory: Directory, settings: Settings) -> None:
        self._directory, self._settings = directory, settings
        self._made: asyncio.Task[bytes] | None = None

    async def get(self, _: Request) -> Response:
        """GET /openapi.json."""
        if self._made is None:
            self._made = asyncio.create_task(asyncio.to_thread(self._make))
        # Whoever goes away takes nothing from those who wait for the same.
        return Response(await asyncio.shield(self._made), media_type="application/json")

    def _make(self) -> bytes:
        return orjson.dumps(document(self._directory, self._settings))


def document(directory: Directory, settings: Settings) -> dict[str, Any]:
    """The document of these routes."""
    schema = get_openapi(
        title="HarborGrid",
        version=API_VERSION,
        description=_DESCRIPTION,
        routes=directory.routes,
        servers=[{"url": settings.api_public_url}],
    )
    schemas = schema["components"]["schemas"]
    schemas.setdefault("Refusal", Refusal.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}"))
    for name, part in schemas["Refusal"].pop("$defs", {}).items():
        schemas.setdefault(name, part)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema["components"]["securitySchemes"] = {
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "session": {"type": "http", "scheme": "bearer", "description": "Token of `POST /v1/security/sessions`."},
        "oauth2": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{settings.api_public_url.rstrip('/')}/.well-known/openid-configuration",
        },
    }
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete(operation, schemas, guarded=f"{method.upper()} {path}" not in OPEN)
    return schema


def _complete(operation: dict[str, Any], schemas: dict[str, Any], *, guarded: bool) -> None:
    responses = operation["responses"]
    # FastAPI documents its own shape for 422, which we never send.
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    for status, told in problems(*_refusals(operation, guarded=guarded)).items():
        known = responses.setdefault(str(status), {"description": told["description"], "content": {}})
        refusals = known["content"].setdefault("application/json", {"schema": _REFUSAL})
        content: Any = told["content"]
        refusals.setdefault("examples", {}).update(content["application/json"]["examples"])
    for status, response in responses.items():
        named = {**_HEADERS, **_MORE_HEADERS.get(status, {})}
        response["headers"] = {
            name: {"description": text, "required": True, "schema": {"type": "string"}} for name, text in named.items()
        }
    for parameter in operation.get("parameters", ()):
        # Optional in Python only, so that its absence has an error of its own: 428.
        parameter["required"] |= parameter["name"] == "If-Match"
    if guarded:
        operation["security"] = [{"apiKey": []}, {"session": []}, {"oauth2": []}]
    if body := operation.get("requestBody"):
        content = body["content"].get("application/json")
        if content is not None and "example" not in content:
            content["example"] = _example(content["schema"], schemas)


def _refusals(operation: dict[str, Any], *, guarded: bool) -> tuple[type[HarborGridError], ...]:
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    return (
        *_EVERYWHERE,
        *(_GUARDED if guarded else ()),
        *(_WITH_BODY if "requestBody" in operation else ()),
        *((BadCursor,) if "cursor" in parameters else ()),
        *((IdempotencyKeyReused,) if "Idempotency-Key" in parameters else ()),
        *((TenantNotFound, TenantDeprovisioned) if "tenantId" in parameters else ()),
    )


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """A body's own example, or one made of its fields' examples and defaults."""
    if "$ref" not in schema:
        return schema["examples"][0]
    fields = schemas[schema["$ref"].rpartition("/")[2]]["properties"]
    told = {
        name: field["examples"][0] if "examples" in field else field.get("default") for name, field in fields.items()
    }
    return {name: value for name, value in told.items() if value is not None}
