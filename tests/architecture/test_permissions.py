"""Every route says by type who may call it."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute
from routing import permissions_of

from api.app import ROUTERS
from api.principals import OPEN
from domain.kernel.permissions import Permission
from domain.permissions import PERMISSIONS

MODULE_OF = {"workflow": "automation"}
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
ELSEWHERE = {
    "security.revoke_sessions": "asked by api/security/sessions.py, of a session that is not the caller's",
    "security.revoke_authorizations": "asked by api/security/authorizations.py, of what is not the caller's",
    "security.end_elevation": "asked by api/security/elevations.py, of what is not the caller's",
    "security.check_access": "asked by api/security/questions.py, of a key that is not the caller's",
}


class TestRoute:
    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods)} {route.path}")
    def test_demands_one_permission_of_its_module(self, route: APIRoute) -> None:
        demanded = permissions_of(route)

        if f"{min(route.methods or ())} {route.path}" in OPEN:
            assert [] == demanded
            return
        [permission] = demanded
        module = route.path.split("/")[2]
        assert MODULE_OF.get(module, module) == permission.name.split(".")[0]


class TestPermission:
    def test_is_demanded_somewhere(self) -> None:
        demanded = {permission.name for route in ROUTES for permission in permissions_of(route)}

        assert set(PERMISSIONS) == demanded | set(ELSEWHERE)

    @pytest.mark.parametrize("permission", PERMISSIONS.values(), ids=lambda permission: permission.name)
    def test_is_a_constant_of_its_name_in_its_modules_file(self, permission: Permission) -> None:
        module, verb = permission.name.split(".")
        found = __import__(f"domain.{module}.permissions", fromlist=["permissions"])

        assert permission is getattr(found, verb.upper())
