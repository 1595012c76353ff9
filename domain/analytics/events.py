"""What analytics announces: queries, dashboards, reports and thresholds."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, FiniteFloat, NonNegativeInt, PositiveInt

from domain.analytics.ids import DashboardId, QueryId, ReportId, ReportRunId, ThresholdId
from domain.bus.event import Event, event
from domain.kernel.digests import Sha256


class QueryOutcome(StrEnum):
    """How a query ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


class Comparison(StrEnum):
    """On which side of its threshold a value raises the alarm."""

    ABOVE = "above"
    BELOW = "below"


@event(
    "analytics.query.executed",
    version="1.0.0",
    source="analytics",
    subject="query_id",
    consumers=("billing",),
    telemetry=True,
)
class QueryExecuted(Event):
    """A query ran to its end, well or badly; metered for usage-based billing.

    The statement is named by its fingerprint: SQL may contain personal data.
    """

    query_id: QueryId
    dashboard_id: DashboardId | None = Field(
        default=None, description="The dashboard that asked; null for ad-hoc queries."
    )
    data_source: str = Field(description="Name of the connected data source.", examples=["lake"])
    statement_sha256: Sha256 = Field(description="Fingerprint of the normalised statement, without its parameters.")
    outcome: QueryOutcome
    duration_ms: NonNegativeInt = Field(
        description="From acceptance to the last row, waiting in the queue included.", examples=[184]
    )
    queued_ms: NonNegativeInt = Field(
        description="The part of the duration spent waiting for a free slot.", examples=[12]
    )
    scanned_bytes: NonNegativeInt = Field(
        description="Bytes read from the source; 0 if the answer was cached.", examples=[1_048_576]
    )
    row_count: NonNegativeInt = Field(description="Rows returned.", examples=[365])
    is_cache_hit: bool
    error_code: str | None = Field(default=None, description="Code of the refusal, unless it succeeded.")


@event(
    "analytics.dashboard.created",
    version="1.0.0",
    source="analytics",
    subject="dashboard_id",
    consumers=("security",),
)
class DashboardCreated(Event):
    """A dashboard was created."""

    dashboard_id: DashboardId
    title: str = Field(examples=["Overview"])
    is_default: bool = Field(description="Whether the tenant's users see it first.")


@event(
    "analytics.dashboard.updated",
    version="1.0.0",
    source="analytics",
    subject="dashboard_id",
    consumers=("security",),
)
class DashboardUpdated(Event):
    """A dashboard's title, layout or charts changed."""

    dashboard_id: DashboardId
    title: str = Field(examples=["Overview"])
    revision: PositiveInt = Field(description="The revision it has now; it was created as revision 1.", examples=[2])


@event(
    "analytics.dashboard.deleted",
    version="1.0.0",
    source="analytics",
    subject="dashboard_id",
    consumers=("security",),
)
class DashboardDeleted(Event):
    """A dashboard was deleted."""

    dashboard_id: DashboardId


@event(
    "analytics.report.generated",
    version="1.0.0",
    source="analytics",
    subject="report_id",
    consumers=("notifications", "automation"),
)
class ReportGenerated(Event):
    """A report is rendered and ready to be delivered."""

    report_id: ReportId
    run_id: ReportRunId
    title: str = Field(examples=["Monthly revenue"])
    format: Literal["pdf", "xlsx", "csv", "parquet"]
    object_key: str = Field(
        description="Where the file is in the tenant's object storage.",
        examples=["reports/2026/02/monthly-revenue.pdf"],
    )
    size_bytes: NonNegativeInt = Field(examples=[84_120])
    sha256: Sha256
    row_count: NonNegativeInt = Field(description="Data rows in all tables and charts together.", examples=[1204])
    period_start: AwareDatetime = Field(examples=["2026-02-01T00:00:00Z"])
    period_end: AwareDatetime = Field(description="Exclusive.", examples=["2026-03-01T00:00:00Z"])
    lake_snapshot_id: NonNegativeInt | None = Field(
        default=None,
        description="The lake snapshot that every chart was computed from; null if it read live sources.",
    )
    duration_ms: NonNegativeInt = Field(examples=[5210])
    is_scheduled: bool = Field(description="Whether a schedule asked for it, rather than a person.")


@event(
    "analytics.threshold.exceeded",
    version="1.0.0",
    source="analytics",
    subject="threshold_id",
    consumers=("notifications", "automation"),
)
class ThresholdExceeded(Event):
    """A metric crossed its threshold; published once per crossing, not once per measurement."""

    threshold_id: ThresholdId
    metric: str = Field(examples=["api_latency"])
    unit: str = Field(description="UCUM code of value and threshold; `1` for plain numbers.", examples=["ms"])
    value: FiniteFloat = Field(examples=[500.0])
    threshold: FiniteFloat = Field(examples=[200.0])
    comparison: Comparison
    severity: Literal["warning", "critical"]
    window_start: AwareDatetime = Field(examples=["2026-03-01T09:25:00Z"])
    window_end: AwareDatetime = Field(description="Exclusive.", examples=["2026-03-01T09:30:00Z"])
    dashboard_id: DashboardId | None = Field(default=None, description="Where a person can look at the metric.")
