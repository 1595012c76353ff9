"""`/v1/analytics/dashboards`: the tenant's dashboards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from adapters.kernel.clock import utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, IfMatch, IfNoneMatch, Limit, Line, World, etag, is_known, revision_in
from api.principals import own_tenant
from api.problems import problems
from api.routes import Route
from domain.analytics.errors import DashboardNotFound
from domain.analytics.ids import DashboardId
from domain.analytics.model import Dashboard
from domain.analytics.permissions import READ_DASHBOARDS, RENAME_DASHBOARD
from domain.analytics.service import rename_dashboard
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import ScopeMissing, TenantRequired

router = APIRouter(prefix="/v1/analytics/dashboards", tags=["analytics"], route_class=Route)


class DashboardChange(Body):
    """What is to change."""

    title: Line = Field(examples=["Operations"])


@router.get("", response_model=Answer[Page[Dashboard]], responses=problems(TenantRequired))
async def list_dashboards(
    tenant: Annotated[TenantId, own_tenant(READ_DASHBOARDS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[Dashboard]]:
    """Dashboards, newest first."""
    return ok(await world.analytics(tenant, lambda uow: uow.dashboards.page(cursor=cursor, limit=limit)))


@router.get(
    "/{dashboard_id}",
    response_model=Answer[Dashboard],
    responses={304: {"description": "You have it."}, **problems(TenantRequired, DashboardNotFound)},
)
async def get_dashboard(
    dashboard_id: DashboardId,
    tenant: Annotated[TenantId, own_tenant(READ_DASHBOARDS)],
    world: World,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> Answer[Dashboard] | Response:
    """One dashboard; its ETag is what an update must send back."""
    found = await world.analytics(tenant, lambda uow: uow.dashboards.find(dashboard_id))
    if found is None:
        raise DashboardNotFound
    tag = etag(found.revision)
    if is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return ok(found)


@router.patch(
    "/{dashboard_id}",
    response_model=Answer[Dashboard],
    responses=problems(TenantRequired, ScopeMissing, DashboardNotFound, PreconditionFailed, PreconditionRequired),
)
async def patch_dashboard(
    dashboard_id: DashboardId,
    body: DashboardChange,
    tenant: Annotated[TenantId, own_tenant(RENAME_DASHBOARD)],
    world: World,
    response: Response,
    if_match: IfMatch = None,
) -> Answer[Dashboard]:
    """Rename a dashboard, if it is still the version you read."""
    revision = revision_in(if_match)
    renamed = await world.analytics(
        tenant,
        lambda uow: rename_dashboard(uow, tenant, dashboard_id, title=body.title, revision=revision, now=utc_now()),
    )
    response.headers["ETag"] = etag(renamed.revision)
    return ok(renamed)
