"""A customer's subscription as a process."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import OWN_DATABASE_AT_ONCE
from domain.billing.events import SubscriptionChange
from domain.billing.ids import SubscriptionId
from domain.billing.subscription_commands import AdvanceSubscription, FollowSubscription, SubscriptionProgress
from domain.kernel.ids import TenantId
from workflows.billing.clock import BooksClock

ITS_OWN = frozenset(
    {
        SubscriptionChange.SCHEDULED,
        SubscriptionChange.TRIAL_BEGAN,
        SubscriptionChange.TRIAL_REMINDED,
        SubscriptionChange.ACTIVATED,
        SubscriptionChange.RENEWED,
        SubscriptionChange.SETTLED,
    }
)
"""Changes that nobody asks for, so the process need not be told of them."""


def workflow_id(tenant: TenantId, subscription_id: SubscriptionId) -> str:
    """The one process of this subscription."""
    return f"{tenant}/billing/subscription/{subscription_id}"


@workflow.defn(name="billing.subscription")
class SubscriptionWorkflow(BooksClock[SubscriptionProgress]):
    """It ends with the subscription."""

    def __init__(self) -> None:
        super().__init__(SubscriptionProgress())

    @workflow.run
    async def run(self, input: FollowSubscription) -> SubscriptionProgress:
        """How it ended."""
        return await self.keep_time(
            input,
            lambda now: workflow.execute_local_activity_method(
                BillingActivities.advance_subscription,
                AdvanceSubscription(tenant_id=input.tenant_id, subscription_id=input.subscription_id, now=now),
                summary="what is due",
                **OWN_DATABASE_AT_ONCE,
            ),
        )

    @workflow.query
    def progress(self) -> SubscriptionProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
