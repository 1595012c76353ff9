"""Recurring lines of the books, each with what it counts for in a month."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.postgres.rows import names, newest_first, places
from adapters.postgres.session import Session
from domain.billing.ids import CustomerId, RevenueReportId
from domain.billing.revenue_errors import RevenueReportNotFound
from domain.billing.revenue_model import RevenueLine, RevenueReport
from domain.kernel.money import Money
from domain.kernel.pagination import Page, decode_cursor, encode_cursor

_REPORT = ("id", "status", "document", "charts")
# The price of a whole period, less what was taken off, by the month; what is given back counts against it. A credit
# of a moment may have rounded to nothing, and is known by its key.
LINES = """
SELECT l.id AS line_id, l.customer_id, l.subscription_id, l.invoice_id, l.plan_code, l.name, l.period_start,
    l.period_end, l.currency, l.amount_minor,
    (CASE WHEN l.key LIKE '%/rest' THEN -1 ELSE 1 END)
    * l.price_minor::float8
    * (CASE WHEN l.amount_minor = 0 THEN 1 ELSE (l.amount_minor - l.discount_minor)::float8 / l.amount_minor END)
    / (CASE p.terms ->> 'interval' WHEN 'day' THEN 12 / 365.25 WHEN 'week' THEN 84 / 365.25 WHEN 'month' THEN 1
       ELSE 12 END * (p.terms ->> 'intervalCount')::int)::float8 AS monthly
FROM billing_line AS l
JOIN billing_plan AS p ON p.code = l.plan_code AND p.version = l.plan_version
LEFT JOIN billing_invoice AS i ON i.id = l.invoice_id
WHERE l.kind = 'recurring' AND (i.id IS NULL OR i.status <> 'void')
"""


class PostgresRevenue:
    """See `domain.billing.ports.Revenue`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, report: RevenueReport, charts: dict[str, str] | None = None) -> None:
        """Insert or replace; charts that are there stay if none are given."""
        await self._sql.execute(
            f"INSERT INTO billing_revenue_report ({names(_REPORT)}) VALUES ({places(_REPORT)}) ON CONFLICT (id) "
            "DO UPDATE SET (status, document, charts) = (excluded.status, excluded.document, excluded.charts)",
            report.id,
            report.status,
            report.model_dump(mode="json"),
            charts or {},
        )

    async def get(self, report_id: RevenueReportId) -> RevenueReport:
        """Raises RevenueReportNotFound."""
        row = await self._sql.fetchrow("SELECT document FROM billing_revenue_report WHERE id = $1", report_id)
        if row is None:
            raise RevenueReportNotFound
        return _report(row)

    async def chart(self, report_id: RevenueReportId, name: str) -> str | None:
        """As SVG, if there is one."""
        found: str | None = await self._sql.fetchval(
            "SELECT charts ->> $2 FROM billing_revenue_report WHERE id = $1", report_id, name
        )
        return found

    async def page(self, *, cursor: str | None, limit: int) -> Page[RevenueReport]:
        """Newest first."""
        return await newest_first(self._session, "billing_revenue_report", _report, cursor=cursor, limit=limit)

    async def lines(
        self, at: datetime, customer: CustomerId | None, *, cursor: str | None, limit: int
    ) -> Page[RevenueLine]:
        """What counts at this instant, by line id."""
        after = decode_cursor(cursor, str)[0] if cursor else ""
        rows = await self._sql.fetch(
            f"SELECT * FROM ({LINES} AND l.period_start <= $1 AND l.period_end > $1 "
            "AND ($2::text IS NULL OR l.customer_id = $2) AND l.id > $3) AS running ORDER BY line_id LIMIT $4",
            at,
            customer,
            after,
            limit + 1,
        )
        more = len(rows) > limit
        return Page(
            items=[_line(row) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1]["line_id"]) if more else None,
        )

    async def all_lines(self, until: datetime) -> list[tuple[Any, ...]]:
        """Customer, currency, start, end and month's worth of every line that begins before this."""
        rows = await self._sql.fetch(
            f"SELECT customer_id, currency, period_start, period_end, monthly FROM ({LINES} AND l.period_start <= $1) "
            "AS running WHERE period_start < period_end",
            until,
        )
        return [tuple(row) for row in rows]


def _report(row: Any) -> RevenueReport:
    return RevenueReport.model_validate(row["document"])


def _line(row: Any) -> RevenueLine:
    currency = row["currency"]
    fields = {name: row[name] for name in RevenueLine.model_fields if name not in {"amount", "monthly"}}
    return RevenueLine(
        **fields,
        amount=Money(minor=row["amount_minor"], currency=currency),
        monthly=Money(minor=round(row["monthly"]), currency=currency),
    )
