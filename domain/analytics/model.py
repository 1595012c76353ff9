"""Dashboards: titled tiles, each a question in SQL to the tenant's lake."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from domain.analytics.ids import DashboardId
from domain.kernel.payload import Payload


class Chart(StrEnum):
    """How a tile shows its answer."""

    LINE = "line"
    BAR = "bar"
    TABLE = "table"


class Tile(Payload):
    """One question and how its answer is shown; `sql` runs in DuckDB with the tenant's lake attached as `lake`."""

    title: str
    chart: Chart
    sql: str


class Dashboard(Payload):
    """A page of tiles. `revision` grows with each change and is its ETag."""

    id: DashboardId
    title: str
    is_default: bool
    tiles: tuple[Tile, ...]
    revision: int
    created_at: datetime
    updated_at: datetime


class EventCount(Payload):
    """How many events of a type a tenant had on a day (UTC)."""

    day: date
    type: str
    count: int


DEFAULT_TILES = (
    Tile(
        title="Events per day",
        chart=Chart.LINE,
        sql='SELECT "timestamp"::date AS day, count(*) AS events FROM lake.events GROUP BY day ORDER BY day',
    ),
    Tile(
        title="Events by type",
        chart=Chart.BAR,
        sql="SELECT type, count(*) AS events FROM lake.events GROUP BY type ORDER BY events DESC, type",
    ),
    Tile(
        title="Latest events",
        chart=Chart.TABLE,
        sql='SELECT "timestamp", type, subject FROM lake.events ORDER BY seq DESC LIMIT 20',
    ),
)
