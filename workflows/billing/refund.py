"""A refund as a process: sent once, and asked after until its outcome is known."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import PROVIDER_CALL
from domain.billing.ids import RefundId
from domain.billing.refund_commands import DriveRefund, FollowRefund, RefundProgress
from domain.kernel.ids import TenantId
from workflows.billing.clock import BooksClock


def workflow_id(tenant: TenantId, refund_id: RefundId) -> str:
    """The one process of this refund."""
    return f"{tenant}/billing/refund/{refund_id}"


@workflow.defn(name="billing.refund")
class RefundWorkflow(BooksClock[RefundProgress]):
    """It ends when the refund has succeeded or failed; another attempt is another run."""

    def __init__(self) -> None:
        super().__init__(RefundProgress())

    @workflow.run
    async def run(self, input: FollowRefund) -> RefundProgress:
        """How it ended."""
        return await self.keep_time(
            input,
            lambda now: workflow.execute_activity_method(
                BillingActivities.drive_refund,
                DriveRefund(tenant_id=input.tenant_id, refund_id=input.refund_id, now=now),
                summary="send it, or ask what became of it",
                **PROVIDER_CALL,
            ),
        )

    @workflow.query
    def progress(self) -> RefundProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
