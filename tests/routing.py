"""What routes say of themselves, by the types of their parameters."""

from __future__ import annotations

import inspect

from fastapi.params import Depends
from fastapi.routing import APIRoute

from api.principals import permission_of
from domain.kernel.permissions import Permission


def permissions_of(route: APIRoute) -> list[Permission]:
    """What its parameters' types demand."""
    endpoint = inspect.unwrap(route.endpoint)
    markers = [
        marker
        for parameter in inspect.signature(endpoint, eval_str=True).parameters.values()
        for marker in getattr(parameter.annotation, "__metadata__", ())
        if isinstance(marker, Depends)
    ]
    return [found for marker in markers if marker.dependency and (found := permission_of(marker.dependency))]
