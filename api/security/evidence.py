"""`/v1/security/evidence`: what was seen of each control, and what somebody gave their word for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import visible_tenant
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.control_model import Evidence
from domain.security.permissions import READ_EVIDENCE

router = APIRouter(prefix="/v1/security/evidence", tags=["security"], route_class=Route)


@router.get("", response_model=Answer[Page[Evidence]])
async def list_evidence(
    tenant: Annotated[TenantId | None, visible_tenant(READ_EVIDENCE)],
    world: World,
    control_id: Annotated[
        str | None,
        Query(alias="controlId", pattern=r"^[a-z]{2}-[0-9]{1,2}$", description="Of this control only."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Evidence]]:
    """Newest first: the history that an auditor samples from."""
    return ok(await world.security(None, lambda uow: uow.evidence.page(tenant, control_id, cursor=cursor, limit=limit)))
