"""Refusals about revenue reports."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class RevenueReportNotFound(NotFound):
    """There is no such revenue report."""

    code = "billing.revenue_report_not_found"
    hint = "GET /v1/billing/revenue-reports lists them."


class RevenueReportNotReady(Conflict):
    """It is being reckoned, or has no such chart."""

    code = "billing.revenue_report_not_ready"
    hint = (
        "GET /v1/billing/revenue-reports/{id} says when it is; charts are by currency, of currencies that have revenue."
    )


class RevenueSpanInvalid(Invalid):
    """The last month comes before the first, in the future, or there are too many between them."""

    code = "billing.revenue_span_invalid"
    hint = "Name a first and a last day, in this order, at most ten years apart and not after this month."
