"""Routes that settle who is calling before anything else is read.

A dependency that needs the request alone (the caller, the container) is called first, in the order of the parameters:
whoever may not come in learns nothing about the body. It also spares FastAPI's solver, which takes 20 us for each.

A `KeyedRoute` that POSTs something of a tenant's takes an `Idempotency-Key` besides: see `api.idempotency`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.params import Depends
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from adapters.postgres.answers import Asked
from api.idempotency import OptionalIdempotencyKey, once
from domain.kernel.idempotency import KeyedRequest

Take = Callable[[Request], Awaitable[Any]]

_TAKEN = "taken"
_KEY = "idempotency_key"


class Route(APIRoute):
    """`APIRouter(route_class=Route)`; see the module's docstring."""

    takes_keys: ClassVar[bool] = False

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.takes = _takes(endpoint)
        if self.takes_keys and "tenant" in _parameters(endpoint) and "POST" in (options.get("methods") or ()):
            endpoint = _once(endpoint, options["status_code"] or 200, options["response_model"])
        super().__init__(path, _given(endpoint, self.takes) if self.takes else endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind what the request alone decides."""
        handle, takes = super().get_route_handler(), list(self.takes.items())

        async def handler(request: Request) -> Response:
            request.scope[_TAKEN] = {name: await take(request) for name, take in takes}
            return await handle(request)

        return handler


class KeyedRoute(Route):
    """Under one key its work is done once, and answered alike however often it is asked for."""

    takes_keys = True


def _once(endpoint: Callable[..., Any], status: int, model: Any) -> Callable[..., Any]:
    """The endpoint with a key. What it answers comes from the transaction that changes something, as it is."""
    data = model.model_fields["data"]
    shape: TypeAdapter[Any] = TypeAdapter(data.annotation)
    wanted = next((name for name, each in _parameters(endpoint).items() if each.annotation is Request), None)

    def asked(request: KeyedRequest) -> Asked:
        return Asked(request, status, shape)

    @wraps(endpoint)
    async def keyed(**arguments: Any) -> Any:
        key = arguments.pop(_KEY)
        request: Request = arguments[wanted] if wanted else arguments.pop("request")
        if key is None:
            return await endpoint(**arguments)
        return await once(request, key, arguments["tenant"], asked, lambda: endpoint(**arguments))

    signature = inspect.signature(endpoint, eval_str=True)
    added = [inspect.Parameter(_KEY, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=OptionalIdempotencyKey)]
    if wanted is None:
        added.append(inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    known = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in signature.parameters.values()]
    keyed.__signature__ = signature.replace(parameters=[*known, *added])  # type: ignore[attr-defined]
    return keyed


def _takes(endpoint: Callable[..., Any]) -> dict[str, Take]:
    """Parameters whose dependency takes the request and nothing else."""
    takes = {}
    for name, parameter in _parameters(endpoint).items():
        for marker in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(marker, Depends) and marker.dependency and _needs_request_alone(marker.dependency):
                takes[name] = marker.dependency
    return takes


def _needs_request_alone(dependency: Callable[..., Any]) -> bool:
    needs = [parameter.annotation for parameter in _parameters(dependency).values()]
    return needs == [Request] and inspect.iscoroutinefunction(dependency)


def _given(endpoint: Callable[..., Any], takes: Mapping[str, Take]) -> Callable[..., Any]:
    """The endpoint as FastAPI sees it: without these parameters, and with the request."""
    others = {name: parameter for name, parameter in _parameters(endpoint).items() if name not in takes}
    wanted = next((name for name, parameter in others.items() if parameter.annotation is Request), None)
    name = wanted or "request"
    others.setdefault(name, inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request))

    @wraps(endpoint)
    async def given(**arguments: Any) -> Any:
        request: Request = arguments[name] if wanted else arguments.pop(name)
        return await endpoint(**arguments, **request.scope[_TAKEN])

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in others.values()]
    given.__signature__ = inspect.signature(endpoint, eval_str=True).replace(  # type: ignore[attr-defined]
        parameters=keyword_only
    )
    return given


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters
