"""Ids of analytics."""

from domain.kernel.ids import Id


class DashboardId(Id, prefix="dsh"):
    """A dashboard."""


class QueryId(Id, prefix="qry"):
    """One execution of a query."""


class ReportId(Id, prefix="rpt"):
    """A report as it was defined; each run of it has a ReportRunId."""


class ReportRunId(Id, prefix="rrn"):
    """One run of a report."""


class ThresholdId(Id, prefix="tsh"):
    """A limit that someone set on a metric."""
