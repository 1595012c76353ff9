"""The edge: one pure ASGI middleware around every request.

It gives each request its ids, finds out who is calling, limits the body, counts and times, and turns what
nobody expected into an answer in the envelope. Every request pays for it, so it does nothing twice.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException

from adapters.kernel.clock import new_id, utc_now
from adapters.telemetry.metrics import HTTP_IN_PROGRESS, HTTP_REQUESTS, HTTP_SECONDS
from adapters.telemetry.tracing import current_traceparent, is_recording, parent_of
from api.deprecation import TOLD
from api.envelope import API_VERSION
from api.problems import refusal
from domain.gateway.events import RequestCompleted
from domain.kernel.context import Actor, Context, current_context, within
from domain.kernel.errors import HarborGridError, TooLarge
from domain.kernel.ids import RequestId, UserId
from domain.security.ids import ApiKeyId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from adapters.gateway.answered import AnsweredRequests
    from api.authentication import Authentication
    from api.callers import Caller
    from domain.security.model import Principal

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("harborgrid.api")

_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CORRELATION = re.compile(rb"[A-Za-z0-9_.:-]{1,128}")
_VERSION = (b"x-api-version", API_VERSION.encode())
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOBODY = Actor()


class Edge:
    """See the module's docstring. `authentication` reads credentials; routes decide whether they need any."""

    def __init__(
        self, app: ASGIApp, *, authentication: Authentication, answered: AnsweredRequests, max_body_bytes: int
    ) -> None:
        self._app, self._authentication, self._max_body = app, authentication, max_body_bytes
        self._answered = answered
        self._counts = _Counts()
        self._is_traced = is_recording()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = new_id(RequestId)
        headers = dict(scope["headers"])
        correlation_id = _matching(headers, b"x-correlation-id", _CORRELATION) or request_id
        answer = _Answer(send, scope, request_id, correlation_id)
        caller: Caller | None = None
        refused: Exception | None = None
        _now.in_progress += 1
        try:
            try:
                caller = await self._authentication.caller(headers, scope)
                receive = _limited(headers, receive, self._max_body)
            except Exception as error:  # noqa: BLE001 - answered in the envelope, like every other
                refused = error
            principal = scope["state"]["principal"] = caller.principal if caller else None
            if principal is not None and self._is_metered(principal):
                answer.metering = _Metering(self._answered, principal, scope, started)
            context = Context.trusted(
                tenant_id=principal.tenant_id if principal else None,
                user_id=principal.id if principal and isinstance(principal.id, UserId) else None,
                actor=caller.actor if caller else _NOBODY,
                grant_id=principal.grant_id if principal else None,
                causation_id=None,
                correlation_id=correlation_id,
                request_id=request_id,
                traceparent=_matching(headers, b"traceparent", _TRACEPARENT),
            )
            with within(context):
                await (self._traced if self._is_traced else self._serve)(scope, receive, answer, refused)
        finally:
            _now.in_progress -= 1
            self._counts.count(scope, answer.status, time.perf_counter() - started)

    def _is_metered(self, principal: Principal) -> bool:
        """What came without an API key of a tenant is nobody's usage."""
        tenant = principal.tenant_id
        return tenant is not None and isinstance(principal.id, ApiKeyId) and self._answered.wants(tenant)

    async def _traced(self, scope: Scope, receive: Receive, answer: _Answer, refused: Exception | None) -> None:
        context = current_context()
        name, parent = f"{scope['method']} {scope['path']}", parent_of(context.traceparent)
        with (
            tracer.start_as_current_span(name, context=parent, kind=SpanKind.SERVER),
            within(context.model_copy(update={"traceparent": current_traceparent()})),
        ):
            await self._serve(scope, receive, answer, refused)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer, refused: Exception | None) -> None:
        try:
            if refused is not None:
                raise refused  # noqa: TRY301 - to be answered below, like any other
            await self._app(scope, receive, answer)
        except HarborGridError as error:
            if answer.has_begun:
                raise
            await refusal(error)(scope, receive, answer)
        except Exception:
            # The application answered with `kernel.internal`, told the story and raised it once more.
            if answer.is_complete:
                return
            log.exception("http.failed", method=scope["method"], path=scope["path"])
            if answer.has_begun:
                raise
            await refusal(HarborGridError("something went wrong on our side"))(scope, receive, answer)


class _Now:
    """How many requests are being answered; Prometheus asks when it is asked, which is cheaper than telling it."""

    __slots__ = ("in_progress",)

    def __init__(self) -> None:
        self.in_progress = 0
        HTTP_IN_PROGRESS.set_function(lambda: self.in_progress)


_now = _Now()


class _Answer:
    """Sends the answer with our headers on it, and remembers how far it has come."""

    __slots__ = ("_bytes", "_ids", "_send", "_state", "has_begun", "is_complete", "metering", "status")

    def __init__(self, send: Send, scope: Scope, request_id: str, correlation_id: str) -> None:
        self._send, self._state, self._ids = send, scope.setdefault("state", {}), (request_id, correlation_id)
        self.status, self.has_begun, self.is_complete = 500, False, False
        self.metering: _Metering | None = None
        self._bytes = 0

    async def __call__(self, message: Message) -> None:
        """See the ASGI specification, `send`."""
        if message["type"] == "http.response.start":
            self.status, self.has_begun = message["status"], True
            request_id, correlation_id = self._ids
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", request_id.encode()),
                (b"x-correlation-id", correlation_id.encode()),
                _VERSION,
                *self._state.get(TOLD, ()),
            ]
        else:
            self.is_complete = not message.get("more_body", False)
        if self.metering is not None:
            self._bytes += _size(message.get("headers", ())) + len(message.get("body", b""))
            if self.is_complete:
                self.metering.note(self.status, self._ids[0], self._bytes)
        await self._send(message)


class _Metering:
    """Notes a request before the last of its answer goes out: whoever has the answer has been counted."""

    __slots__ = ("_answered", "_principal", "_scope", "_started")

    def __init__(self, answered: AnsweredRequests, principal: Principal, scope: Scope, started: float) -> None:
        self._answered, self._principal = answered, principal
        self._scope, self._started = scope, started

    def note(self, status: int, request_id: str, response_bytes: int) -> None:
        """Keep it, if its method is one that the event knows."""
        scope, tenant = self._scope, self._principal.tenant_id
        if scope["method"] not in _METHODS or tenant is None:
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        fact = RequestCompleted.trusted(
            occurred_at=utc_now(),
            request_id=request_id,
            method=scope["method"],
            route=_route(scope),
            status=status,
            error_code=scope["state"].get("problem"),
            api_key_id=self._principal.id,
            plan_code=None,
            duration_ms=round((time.perf_counter() - self._started) * 1000),
            upstream_ms=None,
            request_bytes=_size(scope["headers"]) + int(announced),
            response_bytes=response_bytes,
        )
        self._answered.note(tenant, fact)


class _Counts:
    """Prometheus children, found once: looking them up by label costs more than counting."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answer by route template: neither paths nor methods of callers' invention become labels."""
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _route(scope)
        known = self._known.get((method, route, status))
        if known is None:
            known = HTTP_REQUESTS.labels(method, route, status), HTTP_SECONDS.labels(method, route)
            self._known[method, route, status] = known
        requests, timing = known
        requests.inc()
        timing.observe(seconds)
        if status >= 500:
            log.error("http.answered", method=method, route=route, status=status)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(unmatched)"))


def _size(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """As HTTP/1.1 writes them: each with a colon, a space and the end of its line."""
    return sum(len(name) + len(value) + 4 for name, value in headers)


def _matching(headers: dict[bytes, bytes], name: bytes, pattern: re.Pattern[bytes]) -> str | None:
    value = headers.get(name)
    return value.decode() if value is not None and pattern.fullmatch(value) else None


def _limited(headers: dict[bytes, bytes], receive: Receive, limit: int) -> Receive:
    """`receive`, which never gives more than `limit` bytes. Raises TooLarge if more are announced."""
    announced = headers.get(b"content-length")
    if announced is not None:
        if int(announced) > limit:
            raise TooLarge(limit_bytes=limit)
        return receive
    return _counted(receive, limit) if b"transfer-encoding" in headers else receive


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # FastAPI takes any other exception here for a body that cannot be parsed.
            raise HTTPException(TooLarge.status) from TooLarge(limit_bytes=limit)
        return message

    return counted
