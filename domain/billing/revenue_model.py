"""Revenue reports: recurring revenue, what became of it, and how customers stay."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from domain.billing.ids import CustomerId, InvoiceId, LineId, RevenueReportId, SubscriptionId
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class ReportStatus(StrEnum):
    """Where a report stands."""

    REQUESTED = "requested"
    READY = "ready"


class ChartName(StrEnum):
    """What there are charts of."""

    MRR = "mrr"
    MOVEMENTS = "movements"
    COHORTS = "cohorts"


class RevenueMonth(Payload):
    """A month in one currency; opening + new + reactivation + expansion - contraction - churn = closing."""

    month: date = Field(description="Its first day.")
    opening: Money
    new: Money
    reactivation: Money
    expansion: Money
    contraction: Money
    churn: Money
    closing: Money = Field(description="Monthly recurring revenue (MRR) at its end, or now.")
    arr: Money = Field(description="Twelve times that.")
    customers_opening: int
    customers_new: int
    customers_reactivated: int
    customers_churned: int
    customers_closing: int
    logo_churn: float | None = Field(description="Share of the customers that it began with.")
    revenue_churn: float | None = Field(description="Share of the revenue that it began with.")
    nrr: float | None = Field(description="Net revenue retention of the month.")
    grr: float | None = Field(description="Gross revenue retention of the month.")
    arpa: Money | None = Field(description="Revenue per customer.")
    ltv: Money | None = Field(description="Revenue per customer over the logo churn of twelve months; null without.")


class CohortCell(Payload):
    """Customers that began in a month, so many months later."""

    cohort: date
    age: int
    customers: int
    mrr: Money


class RevenueReport(Payload):
    """One report, of the months from that of `first` to that of `last`. as_of: of the last month, if it is not over."""

    id: RevenueReportId
    first: date
    last: date
    as_of: datetime
    status: ReportStatus
    months: tuple[RevenueMonth, ...] = ()
    cohorts: tuple[CohortCell, ...] = ()
    requested_at: datetime
    ready_at: datetime | None = None


class ReportFigures(Payload):
    """What was reckoned, and its charts as SVG, by `<name>/<currency>`."""

    months: tuple[RevenueMonth, ...]
    cohorts: tuple[CohortCell, ...]
    charts: dict[str, str]


class RevenueLine(Payload):
    """A line that a month's figure is made of. monthly: what it counts for."""

    line_id: LineId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None
    invoice_id: InvoiceId | None
    plan_code: str | None
    name: str
    period_start: datetime
    period_end: datetime
    amount: Money
    monthly: Money
