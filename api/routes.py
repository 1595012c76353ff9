"""Routes that settle who is calling before anything else is read.

A dependency that needs the request alone (the caller, the container) is called first, in the order of the parameters:
whoever may not come in learns nothing about the body. It also spares FastAPI's solver, which takes 20 us for each.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from fastapi import Request, Response
from fastapi.params import Depends
from fastapi.routing import APIRoute

Take = Callable[[Request], Awaitable[Any]]

_TAKEN = "taken"


class Route(APIRoute):
    """`APIRouter(route_class=Route)`; see the module's docstring."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.takes = _takes(endpoint)
        super().__init__(path, _given(endpoint, self.takes) if self.takes else endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind what the request alone decides."""
        handle, takes = super().get_route_handler(), list(self.takes.items())

        async def handler(request: Request) -> Response:
            request.scope[_TAKEN] = {name: await take(request) for name, take in takes}
            return await handle(request)

        return handler


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
