"""A payment as a process: sent once, asked after until its outcome is known, and told of by webhooks."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import PROVIDER_CALL
from domain.billing.ids import PaymentId
from domain.billing.payment_commands import DrivePayment, FollowPayment, PaymentProgress
from domain.kernel.ids import TenantId
from workflows.billing.clock import BooksClock


def workflow_id(tenant: TenantId, payment_id: PaymentId) -> str:
    """The one process of this payment."""
    return f"{tenant}/billing/payment/{payment_id}"


@workflow.defn(name="billing.payment")
class PaymentWorkflow(BooksClock[PaymentProgress]):
    """It ends when the payment is settled, and begins again when the provider says that there is more to know."""

    def __init__(self) -> None:
        super().__init__(PaymentProgress())

    @workflow.run
    async def run(self, input: FollowPayment) -> PaymentProgress:
        """How it ended."""
        return await self.keep_time(
            input,
            lambda now: workflow.execute_activity_method(
                BillingActivities.drive_payment,
                DrivePayment(tenant_id=input.tenant_id, payment_id=input.payment_id, now=now),
                summary="send it, or ask what became of it",
                **PROVIDER_CALL,
            ),
        )

    @workflow.query
    def progress(self) -> PaymentProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
