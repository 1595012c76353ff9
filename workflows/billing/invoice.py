"""An invoice as a process: a draft becomes final when its time is over, and overdue when it was not paid in time."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import OWN_DATABASE
from domain.billing.ids import InvoiceId
from domain.billing.invoice_commands import FollowInvoice, InvoiceProgress, SettleInvoice
from domain.kernel.ids import TenantId
from workflows.standing import Followed

FAR = timedelta(days=365)
"""Nothing is due for ever: it looks after a year anyway."""


def workflow_id(tenant: TenantId, invoice_id: InvoiceId) -> str:
    """The one process of this invoice."""
    return f"{tenant}/billing/invoice/{invoice_id}"


@workflow.defn(name="billing.invoice")
class InvoiceWorkflow(Followed[InvoiceProgress]):
    """It ends when the invoice is paid, void or written off."""

    def __init__(self) -> None:
        super().__init__(InvoiceProgress())

    @workflow.run
    async def run(self, input: FollowInvoice) -> InvoiceProgress:
        """How it ended."""
        while True:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)
            now = workflow.now()
            self._changes.looking()
            progress = await workflow.execute_activity_method(
                BillingActivities.settle_invoice,
                SettleInvoice(tenant_id=input.tenant_id, invoice_id=input.invoice_id, now=now),
                summary="what is due",
                **OWN_DATABASE,
            )
            self._standing.tell(**dict(progress))
            if progress.over:
                return progress
            await self._changes.another(by=progress.next_at or now + FAR)

    @workflow.query
    def progress(self) -> InvoiceProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
