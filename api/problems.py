"""Our errors as HTTP answers: the one place that knows both."""

from __future__ import annotations

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
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
    UnsupportedMediaType,
    WorkflowsUnavailable,
)

log = structlog.get_logger(__name__)

_BY_STATUS = {kind.status: kind for kind in (Malformed, NotFound, NotAllowed, TooLarge, UnsupportedMediaType, Invalid)}


def refusal(error: HarborGridError) -> Response:
    """The answer for this error."""
    headers = {"Retry-After": "1"} if error.retryable else {}
    problem = Problem(code=error.code, message=error.message, details={"hint": error.hint, **error.details})
    body = orjson.dumps(Refusal(error=problem, metadata=about()).model_dump(mode="json"), default=str)
    return Response(body, status_code=error.status, headers=headers, media_type="application/json")


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


def install(app: FastAPI) -> None:
    """Answer every error in the envelope, the framework's own as well."""
    app.add_exception_handler(HarborGridError, _ours)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RPCError, _temporal)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, HarborGridError)
    return refusal(error)


async def _unreadable(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": ".".join(map(str, problem["loc"])), "problem": problem["msg"], "type": problem["type"]}
        for problem in error.errors()
    ]
    if any(problem["type"] == "json_invalid" for problem in fields):
        return refusal(Malformed("the body is not JSON", fields=fields))
    return refusal(Invalid("the request breaks a rule", fields=fields))


async def _framework(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, Malformed)
    answer = refusal(kind(str(error.detail)))
    answer.status_code = error.status_code
    answer.headers.update(error.headers or {})
    return answer


async def _temporal(_: Request, error: Exception) -> Response:
    log.warning("workflows.unavailable", reason=str(error))
    return refusal(WorkflowsUnavailable())
