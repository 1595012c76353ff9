"""Reckons revenue reports: lines from PostgreSQL, figures by Polars, charts by Vega-Lite, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from domain.billing.ports import BillingUnitOfWork
from domain.billing.revenue_model import ChartName, CohortCell, ReportFigures, RevenueMonth, RevenueReport
from domain.kernel.ids import TenantId
from domain.kernel.money import Money, exponent
from domain.kernel.ports import Transactions

if TYPE_CHECKING:
    import polars as pl

_AMOUNTS = ("opening", "new", "reactivation", "expansion", "contraction", "churn", "closing", "arr")
_WORTH = ("arpa", "ltv")


class PolarsRevenue:
    """See `domain.billing.revenue_commands.RevenueReckoner`."""

    def __init__(self, books: Transactions[BillingUnitOfWork]) -> None:
        self._books = books

    async def reckon(self, tenant: TenantId, report: RevenueReport, now: datetime) -> ReportFigures:
        """All figures of the report's months; what came before is read too, to know who is new."""
        rows = await self._books(tenant, lambda uow: uow.revenue.all_lines(now))
        return await asyncio.to_thread(_reckoned, rows, report, now)


def month_end(month: date, now: datetime) -> datetime:
    """The last instant of a month that counts: its own, or now."""
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    return min(datetime.combine(following, time(), UTC) - timedelta(microseconds=1), now)


def _reckoned(rows: Sequence[tuple[Any, ...]], report: RevenueReport, now: datetime) -> ReportFigures:
    import polars as pl  # noqa: PLC0415 - heavy, and the API never reckons

    from analytics.billing import revenue  # noqa: PLC0415 - so are these

    lines = pl.DataFrame(rows, schema=revenue.LINES, orient="row").lazy()
    begin = min([report.first, *(row[2].date() for row in rows)]).replace(day=1)
    days = _months(begin, report.last)
    months = pl.DataFrame({"month": days, "at": [month_end(day, now) for day in days]}, schema=revenue.MONTHS).lazy()
    mrr = revenue.recurring(lines, months)
    moved = revenue.movements(mrr, months)
    found = moved.join(revenue.rates(moved), on=["month", "currency"]).sort("currency", "month")
    asked = pl.col("month") >= report.first.replace(day=1)
    told, aged = pl.collect_all([found.filter(asked), revenue.cohorts(mrr)])
    return ReportFigures(
        months=tuple(_month(row) for row in told.to_dicts()),
        cohorts=tuple(_cell(row) for row in aged.to_dicts()),
        charts=_charts(told, aged),
    )


def _charts(told: pl.DataFrame, aged: pl.DataFrame) -> dict[str, str]:
    from analytics.billing import charts  # noqa: PLC0415 - the renderer is 80 MB

    drawn = {}
    for (currency,), rows in told.group_by("currency", maintain_order=True):
        digits = exponent(str(currency))
        drawn[f"{ChartName.MRR}/{currency}"] = charts.mrr_chart(rows.to_dicts(), digits)
        drawn[f"{ChartName.MOVEMENTS}/{currency}"] = charts.movements_chart(rows.to_dicts(), digits)
    for (currency,), rows in aged.group_by("currency", maintain_order=True):
        drawn[f"{ChartName.COHORTS}/{currency}"] = charts.cohorts_chart(rows.to_dicts())
    return drawn


def _months(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + i) // 12, (first.month - 1 + i) % 12 + 1, 1) for i in range(count)]


def _month(row: dict[str, Any]) -> RevenueMonth:
    currency = row["currency"]
    money = {name: Money(minor=row[name], currency=currency) for name in _AMOUNTS}
    worth = {name: None if row[name] is None else Money(minor=round(row[name]), currency=currency) for name in _WORTH}
    rest = {name: value for name, value in row.items() if name not in {*_AMOUNTS, *_WORTH, "currency"}}
    return RevenueMonth(**rest, **money, **worth)


def _cell(row: dict[str, Any]) -> CohortCell:
    mrr = Money(minor=row["mrr"], currency=row["currency"])
    return CohortCell(cohort=row["cohort"], age=row["age"], customers=row["customers"], mrr=mrr)
