"""What billing announces of revenue reports."""

import datetime as dt

from pydantic import Field

from domain.billing.ids import RevenueReportId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId


@event(
    "billing.revenue_report.requested",
    version="1.0.0",
    source="billing",
    subject="revenue_report_id",
    consumers=("automation",),
)
class RevenueReportRequested(Event):
    """Somebody wants to know what revenue recurs."""

    tenant_id: TenantId
    revenue_report_id: RevenueReportId
    first: dt.date = Field(description="A day of the first month.", examples=["2026-01-01"])
    last: dt.date = Field(description="A day of the last month.", examples=["2026-11-30"])


@event(
    "billing.revenue_report.ready",
    version="1.0.0",
    source="billing",
    subject="revenue_report_id",
    consumers=("analytics", "notifications"),
)
class RevenueReportReady(Event):
    """A revenue report can be read."""

    tenant_id: TenantId
    revenue_report_id: RevenueReportId
