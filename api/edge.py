"""The edge: one pure ASGI middleware around every request.

It gives each request its ids, finds out who is calling, limits the body, counts and times, and turns what
nobody expected into an answer in the envelope.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from adapters.kernel.clock import new_id
from adapters.telemetry.metrics import HTTP_IN_PROGRESS, HTTP_REQUESTS, HTTP_SECONDS
from adapters.telemetry.tracing import current_traceparent, parent_of
from api.envelope import API_VERSION
from api.problems import refusal
from domain.kernel.context import Actor, ActorKind, Context, within
from domain.kernel.errors import HarborGridError, TooLarge
from domain.kernel.ids import RequestId
from domain.security.model import Principal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.authentication import Authentication

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("harborgrid.api")

_TRACEPARENT = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
_CORRELATION = re.compile(r"^[A-Za-z0-9_.:-]{1,128}$")
_VERSION = API_VERSION.encode()
_UNMATCHED = "(unmatched)"


class Edge:
    """See the module's docstring. `authentication` reads credentials; routes decide whether they need any."""

    def __init__(self, app: ASGIApp, *, authentication: Authentication, max_body_bytes: int) -> None:
        self._app, self._authentication, self._max_body = app, authentication, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = new_id(RequestId)
        traceparent = _matching(headers.get(b"traceparent"), _TRACEPARENT)
        principal: Principal | None = None
        refused: HarborGridError | None = None
        try:
            principal = await self._authentication.principal(headers, scope["path"])
            _refuse_long(headers, self._max_body)
        except HarborGridError as error:
            refused = error
        context = Context.model_construct(
            tenant_id=principal.tenant_id if principal else None,
            user_id=None,
            actor=_actor(principal),
            correlation_id=_matching(headers.get(b"x-correlation-id"), _CORRELATION) or request_id,
            causation_id=None,
            request_id=request_id,
            traceparent=traceparent,
        )
        scope.setdefault("state", {})["principal"] = principal
        with within(context):
            await self._serve(scope, receive, send, context, refused)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, context: Context, refused: HarborGridError | None
    ) -> None:
        status = 500
        begun = False
        assert context.request_id is not None
        assert context.correlation_id is not None
        ours = [
            (b"x-request-id", context.request_id.encode()),
            (b"x-correlation-id", context.correlation_id.encode()),
            (b"x-api-version", _VERSION),
        ]

        async def answer(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), *ours]
            await send(message)

        HTTP_IN_PROGRESS.inc()
        started = time.perf_counter()
        try:
            with tracer.start_as_current_span(
                f"{scope['method']} {scope['path']}",
                context=parent_of(context.traceparent),
                kind=SpanKind.SERVER,
            ) as span:
                if span.is_recording():
                    context = context.model_copy(update={"traceparent": current_traceparent()})
                with within(context):
                    if refused is not None:
                        await refusal(refused)(scope, receive, answer)
                    else:
                        await self._app(scope, _limited(receive, self._max_body), answer)
        except HarborGridError as error:
            if begun:
                raise
            await refusal(error)(scope, receive, answer)
        except Exception:
            log.exception("http.failed", method=scope["method"], path=scope["path"])
            if begun:
                raise
            await refusal(HarborGridError("something went wrong on our side"))(scope, receive, answer)
        finally:
            HTTP_IN_PROGRESS.dec()
            route = _route(scope)
            HTTP_REQUESTS.labels(scope["method"], route, status).inc()
            HTTP_SECONDS.labels(scope["method"], route).observe(time.perf_counter() - started)
            if status >= 500:
                log.error("http.answered", method=scope["method"], route=route, status=status)


def _actor(principal: Principal | None) -> Actor:
    if principal is None:
        return Actor()
    kind = ActorKind.OPERATOR if principal.is_operator else ActorKind.API_KEY
    return Actor.model_construct(kind=kind, id=principal.key_id)


def _route(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", _UNMATCHED))


def _matching(value: bytes | None, pattern: re.Pattern[str]) -> str | None:
    text = value.decode("latin-1") if value else ""
    return text if pattern.match(text) else None


def _refuse_long(headers: dict[bytes, bytes], limit: int) -> None:
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(limit_bytes=limit)


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(limit_bytes=limit)
        return message

    return counted
