"""The OpenAPI 3.1 document: security scheme, common headers and refusals on every operation."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from adapters.settings import Settings
from api.envelope import Refusal
from api.problems import problems
from domain.kernel.errors import (
    DatabaseUnavailable,
    HarborGridError,
    Invalid,
    Malformed,
    NotFound,
    TooLarge,
    Unauthenticated,
)
from domain.kernel.pagination import BadCursor
from domain.security.errors import ScopeMissing

_DESCRIPTION = """
Every answer is an envelope `{success, data, error, metadata}`. Send your API key in `X-API-Key`.
Every answer carries `X-Request-ID`, `X-Correlation-ID` and `X-API-Version`.
Lists are pages: send `nextCursor` back as `cursor`. Updates need `If-Match` with the ETag that GET gave.
"""
_OPEN = {"/livez", "/readyz", "/metrics"}
_EVERYWHERE: tuple[type[HarborGridError], ...] = (Malformed, BadCursor, Invalid, DatabaseUnavailable)
_GUARDED: tuple[type[HarborGridError], ...] = (Unauthenticated, ScopeMissing, TooLarge, NotFound)


def describe(app: FastAPI, settings: Settings) -> None:
    """Have the application serve this document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, settings)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        routes=app.routes,
        servers=[{"url": settings.api_public_url}],
    )
    schemas = schema["components"]["schemas"]
    schemas.setdefault("Refusal", Refusal.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}"))
    for name, part in schemas["Refusal"].pop("$defs", {}).items():
        schemas.setdefault(name, part)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema["components"]["securitySchemes"] = {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _complete(operation, guarded=path not in _OPEN)
    return schema


def _complete(operation: dict[str, Any], *, guarded: bool) -> None:
    errors = (*_EVERYWHERE, *_GUARDED) if guarded else _EVERYWHERE
    responses = operation["responses"]
    # FastAPI documents its own shape for 422, which we never send.
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    for status, told in problems(*errors).items():
        content = told["content"]
        assert isinstance(content, dict)
        content["application/json"]["schema"] = {"$ref": "#/components/schemas/Refusal"}
        known = responses.setdefault(str(status), {"description": told["description"], "content": content})
        examples = known.get("content", {}).get("application/json", {}).setdefault("examples", {})
        for code, example in content["application/json"]["examples"].items():
            examples.setdefault(code, example)
    if guarded:
        operation["security"] = [{"apiKey": []}]
