"""Billing's durable steps."""

from __future__ import annotations

from temporalio import activity

from domain.billing.commands import CancelSubscription, CreateSubscription, SubscriptionReady
from domain.billing.ids import SubscriptionId
from domain.billing.platform_ports import PlatformBillingUnitOfWork
from domain.billing.platform_subscriptions import cancel_subscription, create_subscription
from domain.kernel.ports import Clock, Ids, Transactions


class BillingActivities:
    """Steps that change billing's books."""

    def __init__(self, transactions: Transactions[PlatformBillingUnitOfWork], now: Clock, ids: Ids) -> None:
        self._transactions, self._now, self._ids = transactions, now, ids

    @activity.defn(name="billing.create_subscription")
    async def create_subscription(self, cmd: CreateSubscription) -> SubscriptionReady:
        """Subscribe the tenant to its plan."""
        subscription = await self._transactions(
            cmd.tenant_id,
            lambda uow: create_subscription(uow, cmd, new_id=self._ids(SubscriptionId), now=self._now()),
        )
        return SubscriptionReady(subscription_id=subscription.id)

    @activity.defn(name="billing.cancel_subscription")
    async def cancel_subscription(self, cmd: CancelSubscription) -> None:
        """Undo it."""
        await self._transactions(cmd.tenant_id, lambda uow: cancel_subscription(uow, cmd, now=self._now()))
