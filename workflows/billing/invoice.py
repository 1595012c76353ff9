"""An invoice as a process: a draft becomes final when its time is over, and overdue when it was not paid in time."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import OWN_DATABASE_AT_ONCE
from domain.billing.ids import InvoiceId
from domain.billing.invoice_commands import FollowInvoice, InvoiceProgress, SettleInvoice
from domain.kernel.ids import TenantId
from workflows.billing.clock import BooksClock


def workflow_id(tenant: TenantId, invoice_id: InvoiceId) -> str:
    """The one process of this invoice."""
    return f"{tenant}/billing/invoice/{invoice_id}"


@workflow.defn(name="billing.invoice")
class InvoiceWorkflow(BooksClock[InvoiceProgress]):
    """It ends when the invoice is paid, void or written off."""

    def __init__(self) -> None:
        super().__init__(InvoiceProgress())

    @workflow.run
    async def run(self, input: FollowInvoice) -> InvoiceProgress:
        """How it ended."""
        return await self.keep_time(
            input,
            lambda now: workflow.execute_local_activity_method(
                BillingActivities.settle_invoice,
                SettleInvoice(tenant_id=input.tenant_id, invoice_id=input.invoice_id, now=now),
                summary="what is due",
                **OWN_DATABASE_AT_ONCE,
            ),
        )

    @workflow.query
    def progress(self) -> InvoiceProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
