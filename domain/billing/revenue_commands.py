"""What billing can be asked to do about revenue reports by a process."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.billing.ids import RevenueReportId
from domain.billing.revenue_model import ReportFigures, RevenueReport
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.commands import Progress


class ReckonRevenue(Payload):
    """Reckon a report."""

    tenant_id: TenantId
    revenue_report_id: RevenueReportId


class RevenueProgress(Progress):
    """How far it is."""

    months: int = 0


class RevenueReckoner(Protocol):
    """Reckons figures from a tenant's lines."""

    async def reckon(self, tenant: TenantId, report: RevenueReport, now: datetime) -> ReportFigures:
        """All of them. May be done again."""
        ...
