"""Finds a route by its resource, so that a request does not try every route there is.

FastAPI asks one router after the other and each of its routes, a regular expression at a time: 60 us for our
routes, more with each new one. Here the first three parts of the path are looked up, and only the routes of
that resource are tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


class Directory(BaseRoute):
    """All routes of the API as one. Raises ValueError for a route whose resource is not a constant."""

    def __init__(self, routes: Iterable[APIRoute]) -> None:
        self.routes = list(routes)
        self._of_resource: defaultdict[str, list[APIRoute]] = defaultdict(list)
        for route in self.routes:
            resource = _resource(route.path)
            if "{" in resource:
                raise ValueError(f"{route.path}: parameters come after /version/module/resource")
            self._of_resource[resource].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See Starlette: FULL, or PARTIAL if only the method is wrong. `scope["route"]` will be the route."""
        second_best: tuple[Match, Scope] = Match.NONE, {}
        for route in self._of_resource.get(_resource(scope["path"]), ()):
            found = route.matches(scope)
            if found[0] is Match.FULL:
                return found
            if found[0] is Match.PARTIAL:
                second_best = found
        return second_best

    def methods_of(self, path: str) -> set[str]:
        """The methods that this path answers to."""
        routes = self._of_resource.get(_resource(path), ())
        return {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve with the route that matched."""
        await scope["route"].handle(scope, receive, send)


def _resource(path: str) -> str:
    return "/".join(path.split("/", 4)[:4])
