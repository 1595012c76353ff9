"""Who is calling is settled before anything that they sent is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Stack, Tenant
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.routes import Route

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
BROKEN: list[dict[str, Any]] = [
    {"json": {"label": 7, "unknown": True}},
    {"content": b"{not json", "headers": {"Content-Type": "application/json"}},
    {"content": b"<xml/>", "headers": {"Content-Type": "application/xml"}},
]


@pytest.mark.parametrize("route", ROUTES, ids=[f"{sorted(route.methods or ())} {route.path}" for route in ROUTES])
def test_every_route_settles_it_first(route: APIRoute) -> None:
    assert isinstance(route, Route), "APIRouter(..., route_class=Route)"


@pytest.mark.parametrize("broken", BROKEN, ids=["wrong fields", "no JSON", "another type"])
class TestBrokenBody:
    async def test_of_a_stranger_is_not_looked_at(self, stack: Stack, broken: dict[str, Any]) -> None:
        answer = await stack.http.post("/v1/workflow/onboardings", **broken)

        assert (401, "kernel.unauthenticated") == (answer.status_code, answer.json()["error"]["code"])

    async def test_of_who_may_not_do_it_is_not_looked_at(
        self, stack: Stack, tenant: Tenant, broken: dict[str, Any]
    ) -> None:
        headers = {**broken.get("headers", {}), **tenant.headers}
        answer = await stack.http.post("/v1/workflow/onboardings", **{**broken, "headers": headers})

        assert (403, "security.operators_only") == (answer.status_code, answer.json()["error"]["code"])

    async def test_of_who_may_is_told_what_is_wrong(self, stack: Stack, broken: dict[str, Any]) -> None:
        headers = {**broken.get("headers", {}), **stack.operator, "Idempotency-Key": "broken"}
        answer = await stack.http.post("/v1/workflow/onboardings", **{**broken, "headers": headers})

        assert answer.status_code in {400, 415, 422}
