"""What billing asks of the database about revenue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from domain.billing.ids import (
    CustomerId,
    RevenueReportId,
)
from domain.billing.revenue_model import RevenueLine, RevenueReport
from domain.kernel.pagination import Page


class Revenue(Protocol):
    """Revenue reports, and the lines that they are made of."""

    async def put(self, report: RevenueReport, charts: dict[str, str] | None = None) -> None:
        """Insert or replace."""
        ...

    async def get(self, report_id: RevenueReportId) -> RevenueReport:
        """Raises RevenueReportNotFound."""
        ...

    async def chart(self, report_id: RevenueReportId, name: str) -> str | None:
        """As SVG, if there is one."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[RevenueReport]:
        """Newest first."""
        ...

    async def lines(
        self, at: datetime, customer: CustomerId | None, *, cursor: str | None, limit: int
    ) -> Page[RevenueLine]:
        """What counts at this instant, by line id."""
        ...

    async def all_lines(self, until: datetime) -> list[tuple[Any, ...]]:
        """Customer, currency, start, end and month's worth (minor units) of every line that begins before this."""
        ...
