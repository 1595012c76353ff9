"""`/v1/billing/revenue-reports`: revenue that recurs, what became of it, and the lines that it is made of."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from adapters.billing.revenue import month_end
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import own_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import KeyedRoute
from domain.billing.ids import CustomerId, RevenueReportId
from domain.billing.permissions import READ_REVENUE, REQUEST_REVENUE_REPORT
from domain.billing.plan_model import Currency
from domain.billing.ports import BillingUnitOfWork
from domain.billing.revenue import request_report
from domain.billing.revenue_commands import RevenueProgress
from domain.billing.revenue_errors import RevenueReportNotFound, RevenueReportNotReady, RevenueSpanInvalid
from domain.billing.revenue_model import ChartName, RevenueLine, RevenueReport
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from workflows.billing.revenue_report import RevenueReportWorkflow, workflow_id

router = APIRouter(prefix="/v1/billing/revenue-reports", tags=["billing"], route_class=KeyedRoute)

_OWN = own_tenant(READ_REVENUE)
_ONE = (TenantRequired, RevenueReportNotFound)


class RevenueReportBody(Body):
    """Which months."""

    first: dt.date = Field(description="A day of the first month.", examples=["2026-01-01"])
    last: dt.date = Field(
        description="A day of the last month; of the running one, as of now.", examples=["2026-11-30"]
    )


@router.get("", response_model=Answer[Page[RevenueReport]], responses=problems(TenantRequired))
async def list_revenue_reports(
    tenant: Annotated[TenantId, _OWN], world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[RevenueReport]]:
    """Reports, newest first."""
    return ok(await world.billing(tenant, lambda uow: uow.revenue.page(cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=202,
    response_model=Answer[RevenueReport],
    responses=problems(TenantRequired, RevenueSpanInvalid),
)
async def post_revenue_report(
    body: RevenueReportBody, tenant: Annotated[TenantId, own_tenant(REQUEST_REVENUE_REPORT)], world: World
) -> Answer[RevenueReport]:
    """Have these months reckoned; `status` says when it is done."""
    now = utc_now()
    return ok(await world.billing(tenant, lambda uow: request_report(uow, tenant, new_id, body.first, body.last, now)))


@router.get("/{revenue_report_id}", response_model=Answer[RevenueReport], responses=problems(*_ONE))
async def get_revenue_report(
    revenue_report_id: RevenueReportId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[RevenueReport]:
    """One report, by month and currency."""
    return ok(await world.billing(tenant, lambda uow: uow.revenue.get(revenue_report_id)))


@router.get(
    "/{revenue_report_id}/progress",
    response_model=Answer[RevenueProgress],
    responses=problems(*_ONE, WorkflowsUnavailable),
)
async def get_revenue_report_progress(
    revenue_report_id: RevenueReportId, tenant: Annotated[TenantId, _OWN], world: World
) -> Answer[RevenueProgress]:
    """How far it is."""
    there = await world.billing(tenant, lambda uow: uow.revenue.get(revenue_report_id))
    before = RevenueProgress(status=there.status.value)
    id_ = workflow_id(tenant, revenue_report_id)
    return ok(await where_it_stands(world, id_, RevenueReportWorkflow.progress, before=before))


@router.get(
    "/{revenue_report_id}/charts/{chart}",
    response_class=Response,
    responses={
        200: {"description": "The chart.", "content": {"image/svg+xml": {"schema": {"type": "string"}}}},
        **problems(*_ONE, RevenueReportNotReady),
    },
)
async def get_revenue_chart(
    revenue_report_id: RevenueReportId,
    chart: ChartName,
    currency: Annotated[Currency, Query(examples=["EUR"])],
    tenant: Annotated[TenantId, _OWN],
    world: World,
) -> Response:
    """A chart of the report, as SVG."""

    async def drawn(uow: BillingUnitOfWork) -> str | None:
        await uow.revenue.get(revenue_report_id)
        return await uow.revenue.chart(revenue_report_id, f"{chart}/{currency}")

    svg = await world.billing(tenant, drawn)
    if svg is None:
        raise RevenueReportNotReady(chart=chart.value, currency=currency)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
    return Response(svg, media_type="image/svg+xml", headers=headers)


@router.get(
    "/{revenue_report_id}/lines",
    response_model=Answer[Page[RevenueLine]],
    responses=problems(*_ONE),
)
async def list_revenue_lines(
    revenue_report_id: RevenueReportId,
    month: Annotated[dt.date, Query(description="A day of it.", examples=["2026-10-01"])],
    tenant: Annotated[TenantId, _OWN],
    world: World,
    customer_id: Annotated[CustomerId | None, Query(alias="customerId")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[RevenueLine]]:
    """The lines that a month's revenue is made of, each with its invoice and what it counts for."""

    async def counted(uow: BillingUnitOfWork) -> Page[RevenueLine]:
        report = await uow.revenue.get(revenue_report_id)
        at = month_end(month, report.as_of)
        return await uow.revenue.lines(at, customer_id, cursor=cursor, limit=limit)

    return ok(await world.billing(tenant, counted))
