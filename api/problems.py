"""Our errors as HTTP answers: the one place that knows both."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from api.envelope import Problem, Refusal, about
from domain.kernel.errors import (
    HarborGridError,
    Invalid,
    Malformed,
    NotAllowed,
    NotFound,
    TooLarge,
    Unauthenticated,
    UnsupportedMediaType,
    WorkflowsUnavailable,
)
from domain.security.errors import StepUpRequired

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from api.directory import Directory

log = structlog.get_logger(__name__)

_BY_STATUS = {kind.status: kind for kind in (Malformed, NotFound, NotAllowed, TooLarge, UnsupportedMediaType, Invalid)}
_CHALLENGE = 'ApiKey realm="harborgrid", Bearer realm="harborgrid"'
# RFC 9470, section 3.
_STEP_UP = 'Bearer realm="harborgrid", error="insufficient_user_authentication"'
_FIELDS_NAMED = 50


def refusal(error: HarborGridError) -> Response:
    """The answer for this error."""
    headers = {}
    if error.retryable:
        headers["Retry-After"] = str(error.details.get("retry_after_seconds", 1))
    if error.status == Unauthenticated.status:
        headers["WWW-Authenticate"] = _STEP_UP if error.code == StepUpRequired.code else _CHALLENGE
    details = {to_camel(name): fact for name, fact in error.details.items()}
    problem = Problem(code=error.code, message=error.message, details={"hint": error.hint, **details})
    told = Refusal(error=problem, metadata=about()).model_dump()
    return _Refusal(error.code, _json(told), error.status, headers)


class _Refusal(Response):
    """Leaves its code with the request, for whoever meters it."""

    def __init__(self, code: str, content: bytes, status: int, headers: dict[str, str]) -> None:
        super().__init__(content, status, headers, "application/json")
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["problem"] = self._code
        await super().__call__(scope, receive, send)


def _json(told: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(told, default=str)
    except TypeError:
        # Details may repeat what a caller sent: lone surrogates, integers beyond 64 bits.
        return json.dumps(told, default=str, ensure_ascii=False).encode("utf-8", "replace")


def problems(*errors: type[HarborGridError]) -> dict[int | str, dict[str, object]]:
    """OpenAPI responses for the refusals a route may give, by status, with an example each."""
    documented: dict[int | str, dict[str, object]] = {}
    by_status: dict[int, list[type[HarborGridError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    for status, kinds in by_status.items():
        documented[status] = {
            "model": Refusal,
            "description": "; ".join(f"`{kind.code}`: {_sentence(kind)}" for kind in kinds),
            "content": {"application/json": {"examples": {kind.code: {"value": _example(kind)} for kind in kinds}}},
        }
    return documented


def _sentence(kind: type[HarborGridError]) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


def _example(kind: type[HarborGridError]) -> dict[str, object]:
    return {
        "success": False,
        "data": None,
        "error": {"code": kind.code, "message": _sentence(kind), "details": {"hint": kind.hint}},
        "metadata": {
            "timestamp": "2026-01-01T00:00:00Z",
            "requestId": "req_01kdzk8k00e1qs2ga4x6mfhg7v",
            "version": "1.0.0",
        },
    }


def install(app: FastAPI, directory: Directory) -> None:
    """Answer every error in the envelope, the framework's own as well."""

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, HarborGridError):
            return refusal(error.__cause__)
        answer = refusal(_BY_STATUS.get(error.status_code, Malformed)())
        answer.status_code = error.status_code
        answer.headers.update(error.headers or {})
        if error.status_code == NotAllowed.status:
            # The framework names the methods of one route; the path may have several.
            answer.headers["Allow"] = ", ".join(sorted(directory.methods_of(request.url.path)))
        return answer

    app.add_exception_handler(HarborGridError, _ours)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RPCError, _temporal)
    app.add_exception_handler(RuntimeError, _runtime)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, HarborGridError)
    return refusal(error)


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems_found = error.errors()[:_FIELDS_NAMED]
    is_whole_body = any(problem["loc"] == ("body",) and problem["type"] != "missing" for problem in problems_found)
    if is_whole_body and not is_json(request):
        return refusal(UnsupportedMediaType())
    fields = [
        {"field": ".".join(map(str, problem["loc"])), "problem": problem["msg"], "type": problem["type"]}
        for problem in problems_found
    ]
    if any(problem["type"] == "json_invalid" for problem in fields):
        return refusal(Malformed("the body is not JSON", fields=fields))
    return refusal(Invalid("the request breaks a rule", fields=fields))


def is_json(request: Request) -> bool:
    """Whether the body is said to be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return re.fullmatch(r"application/(json|[^/]+\+json)", media_type) is not None


async def _temporal(_: Request, error: Exception) -> Response:
    log.warning("workflows.unavailable", reason=str(error))
    return refusal(WorkflowsUnavailable())


async def _runtime(request: Request, error: Exception) -> Response:
    # All that the Temporal client says when its first connection fails.
    if str(error).startswith("Failed client connect"):
        return await _temporal(request, error)
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("http.failed", method=request.method, path=request.url.path, exc_info=error)
    return refusal(HarborGridError("something went wrong on our side"))
