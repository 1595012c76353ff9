"""`/v1/security/permissions`: what can be allowed, and the schema that policies must fit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.envelope import Answer, ok
from api.parameters import World
from api.principals import may
from api.routes import Route
from domain.kernel.payload import Payload
from domain.kernel.permissions import Scope
from domain.permissions import PERMISSIONS
from domain.security.model import Principal
from domain.security.permissions import READ_PERMISSIONS

router = APIRouter(prefix="/v1/security/permissions", tags=["security"], route_class=Route)


class PermissionView(Payload):
    """One thing that can be allowed."""

    name: str = Field(description="The action's name in policies, checks and the audit trail.")
    scope: Scope = Field(description="Keys with this scope, or one that includes it, may.")
    on: str = Field(description="The kind of thing: `HarborGrid::<kind>` in policies.", examples=["Dashboard"])
    feature: str | None = Field(description="What the plan must include.", examples=["security.policies"])


class Permissions(Payload):
    """All of them."""

    items: list[PermissionView]
    cedar_schema: str = Field(description="For Cedar's tools: a policy must be valid with it.")


@router.get("", response_model=Answer[Permissions])
async def list_permissions(_: Annotated[Principal, may(READ_PERMISSIONS)], world: World) -> Answer[Permissions]:
    """Every permission there is, by name, and the Cedar schema that a tenant's policies must fit."""
    items = [
        PermissionView(name=name, scope=permission.scope, on=permission.on, feature=permission.feature)
        for name, permission in sorted(PERMISSIONS.items())
    ]
    return ok(Permissions(items=items, cedar_schema=world.access.vocabulary.schema))
