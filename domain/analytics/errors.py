"""Refusals of analytics."""

from domain.kernel.errors import Conflict, NotFound, Refused


class DashboardNotFound(NotFound):
    """There is no such dashboard for this caller."""

    code = "analytics.dashboard_not_found"
    hint = "GET /v1/analytics/dashboards lists them."


class LakeNotFound(NotFound):
    """This tenant has no lake."""

    code = "analytics.lake_not_found"
    hint = "Check the tenant id; a lake is made when the tenant is onboarded."


class TenantGone(Conflict):
    """The tenant this dashboard was for is not there."""

    code = "analytics.tenant_gone"
    hint = "Onboard the organisation first."


class StatementRefused(Refused):
    """The lake answers questions; it is not changed from here."""

    code = "analytics.statement_refused"
    hint = "Use SELECT, WITH, FROM, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN."
