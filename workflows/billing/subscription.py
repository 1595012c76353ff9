"""A customer's subscription as a process: it waits for what is due, lets it happen, and waits for the next."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import OWN_DATABASE
from domain.billing.events import SubscriptionChange
from domain.billing.ids import SubscriptionId
from domain.billing.subscription_commands import AdvanceSubscription, FollowSubscription, SubscriptionProgress
from domain.kernel.ids import TenantId
from workflows.standing import Followed

FAR = timedelta(days=365)
"""Nothing is due for ever: it looks after a year anyway."""
ITS_OWN = frozenset(
    {
        SubscriptionChange.SCHEDULED,
        SubscriptionChange.TRIAL_BEGAN,
        SubscriptionChange.TRIAL_REMINDED,
        SubscriptionChange.ACTIVATED,
        SubscriptionChange.RENEWED,
    }
)
"""Changes that nobody asks for, so the process need not be told of them."""


def workflow_id(tenant: TenantId, subscription_id: SubscriptionId) -> str:
    """The one process of this subscription."""
    return f"{tenant}/billing/subscription/{subscription_id}"


@workflow.defn(name="billing.subscription")
class SubscriptionWorkflow(Followed[SubscriptionProgress]):
    """Its state is in the books; the process is its clock. It ends with the subscription."""

    def __init__(self) -> None:
        super().__init__(SubscriptionProgress())

    @workflow.run
    async def run(self, input: FollowSubscription) -> SubscriptionProgress:
        """How it ended."""
        while True:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)
            now = workflow.now()
            next_at = await self._advanced(input, now)
            if self._standing.now.over:
                return self._standing.now
            await self._changes.another(by=next_at or now + FAR)

    @workflow.query
    def progress(self) -> SubscriptionProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now

    async def _advanced(self, input: FollowSubscription, now: datetime) -> datetime | None:
        self._changes.looking()
        progress = await workflow.execute_activity_method(
            BillingActivities.advance_subscription,
            AdvanceSubscription(tenant_id=input.tenant_id, subscription_id=input.subscription_id, now=now),
            summary="what is due",
            **OWN_DATABASE,
        )
        self._standing.tell(**dict(progress))
        return progress.next_at
