"""Credit with an end, as a process: what is left of it expires in time."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import OWN_DATABASE_AT_ONCE
from domain.billing.credit_commands import CreditGrantProgress, FollowCreditGrant, SettleCreditGrant
from domain.billing.ids import CreditGrantId
from domain.kernel.ids import TenantId
from workflows.billing.clock import BooksClock


def workflow_id(tenant: TenantId, credit_grant_id: CreditGrantId) -> str:
    """The one process of this grant."""
    return f"{tenant}/billing/credit_grant/{credit_grant_id}"


@workflow.defn(name="billing.credit_grant")
class CreditGrantWorkflow(BooksClock[CreditGrantProgress]):
    """It ends when the grant has expired or was voided."""

    def __init__(self) -> None:
        super().__init__(CreditGrantProgress())

    @workflow.run
    async def run(self, input: FollowCreditGrant) -> CreditGrantProgress:
        """How it ended."""
        return await self.keep_time(
            input,
            lambda now: workflow.execute_local_activity_method(
                BillingActivities.settle_credit_grant,
                SettleCreditGrant(tenant_id=input.tenant_id, credit_grant_id=input.credit_grant_id, now=now),
                summary="what is due",
                **OWN_DATABASE_AT_ONCE,
            ),
        )

    @workflow.query
    def progress(self) -> CreditGrantProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
