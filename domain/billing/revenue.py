"""Revenue reports: asked for, reckoned by their process, and kept."""

from __future__ import annotations

from datetime import date, datetime

from domain.billing.ids import RevenueReportId
from domain.billing.permissions import REQUEST_REVENUE_REPORT
from domain.billing.ports import BillingUnitOfWork
from domain.billing.revenue_commands import ReckonRevenue, RevenueProgress, RevenueReckoner
from domain.billing.revenue_errors import RevenueSpanInvalid
from domain.billing.revenue_events import RevenueReportReady, RevenueReportRequested
from domain.billing.revenue_model import ReportFigures, ReportStatus, RevenueReport
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.ports import Clock, Ids, Transactions

_MOST_MONTHS = 120


async def request_report(
    uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, first: date, last: date, now: datetime
) -> RevenueReport:
    """Its process reckons it. Raises RevenueSpanInvalid."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if not 0 < months <= _MOST_MONTHS or last.replace(day=1) > now.date():
        raise RevenueSpanInvalid(first=first, last=last, months=months)
    report = RevenueReport(
        id=ids(RevenueReportId), first=first, last=last, as_of=now, status=ReportStatus.REQUESTED, requested_at=now
    )
    await uow.revenue.put(report)
    uow.events.append(
        RevenueReportRequested(tenant_id=tenant, revenue_report_id=report.id, first=first, last=last, occurred_at=now)
    )
    details = {"first": first.isoformat(), "last": last.isoformat()}
    uow.audit.record(
        AuditEntry(tenant_id=tenant, action=REQUEST_REVENUE_REPORT.name, resource=report.id, details=details)
    )
    return report


async def reckon_report(
    books: Transactions[BillingUnitOfWork], reckoner: RevenueReckoner, cmd: ReckonRevenue, now: Clock
) -> RevenueProgress:
    """Reckon it, and keep it; what is ready stays as it is. Raises RevenueReportNotFound."""
    report = await books(cmd.tenant_id, lambda uow: uow.revenue.get(cmd.revenue_report_id))
    if report.status is not ReportStatus.READY:
        figures = await reckoner.reckon(cmd.tenant_id, report, report.as_of)
        report = await books(cmd.tenant_id, lambda uow: _kept(uow, cmd, figures, now()))
    return RevenueProgress(status=report.status.value, months=len({each.month for each in report.months}))


async def _kept(uow: BillingUnitOfWork, cmd: ReckonRevenue, figures: ReportFigures, now: datetime) -> RevenueReport:
    report = await uow.revenue.get(cmd.revenue_report_id)
    changes = {"status": ReportStatus.READY, "ready_at": now, "months": figures.months, "cohorts": figures.cohorts}
    ready = report.model_copy(update=changes)
    await uow.revenue.put(ready, charts=figures.charts)
    uow.events.append(RevenueReportReady(tenant_id=cmd.tenant_id, revenue_report_id=report.id, occurred_at=now))
    return ready
