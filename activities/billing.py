"""Billing's durable steps."""

from __future__ import annotations

from typing import NamedTuple

from temporalio import activity

from domain.billing.clock_commands import AdvanceClock, ClockProgress, TimeMachine
from domain.billing.collecting import drive
from domain.billing.commands import CancelSubscription, CreateSubscription, SubscriptionReady
from domain.billing.credit_commands import CreditGrantProgress, SettleCreditGrant
from domain.billing.credits import settle_credit_grant
from domain.billing.dunning import dunning_standing, settle_dunning, steer_dunning
from domain.billing.dunning_commands import DunningProgress, SettleDunning, SteerDunning
from domain.billing.ids import SubscriptionId
from domain.billing.invoice_commands import InvoiceProgress, SettleInvoice
from domain.billing.invoices import settle
from domain.billing.payment_commands import DrivePayment, PaymentProgress
from domain.billing.payment_ports import Providers
from domain.billing.platform_ports import PlatformBillingUnitOfWork
from domain.billing.platform_subscriptions import cancel_subscription, create_subscription
from domain.billing.ports import BillingUnitOfWork
from domain.billing.refund_commands import DriveRefund, RefundProgress
from domain.billing.refunds import drive_refund
from domain.billing.revenue import reckon_report
from domain.billing.revenue_commands import ReckonRevenue, RevenueProgress, RevenueReckoner
from domain.billing.subscription_commands import AdvanceSubscription, SubscriptionProgress
from domain.billing.subscriptions import advance
from domain.billing.webhook_commands import DeliverWebhooks, WebhookProgress
from domain.billing.webhooks import WebhookSender, deliver
from domain.kernel.ports import Clock, Ids, Transactions


class BillingPorts(NamedTuple):
    """What billing's steps ask of the world."""

    platform: Transactions[PlatformBillingUnitOfWork]
    books: Transactions[BillingUnitOfWork]
    providers: Providers
    time: TimeMachine
    webhooks: WebhookSender
    revenue: RevenueReckoner


class BillingActivities:
    """Steps that change the platform's books, and its tenants' own."""

    def __init__(self, ports: BillingPorts, now: Clock, ids: Ids) -> None:
        self._platform, self._books, self._providers, self._time, self._webhooks, self._revenue = ports
        self._now, self._ids = now, ids

    @activity.defn(name="billing.create_subscription")
    async def create_subscription(self, cmd: CreateSubscription) -> SubscriptionReady:
        """Subscribe the tenant to its plan."""
        subscription = await self._platform(
            cmd.tenant_id,
            lambda uow: create_subscription(uow, cmd, new_id=self._ids(SubscriptionId), now=self._now()),
        )
        return SubscriptionReady(subscription_id=subscription.id)

    @activity.defn(name="billing.cancel_subscription")
    async def cancel_subscription(self, cmd: CancelSubscription) -> None:
        """Undo it."""
        await self._platform(cmd.tenant_id, lambda uow: cancel_subscription(uow, cmd, now=self._now()))

    @activity.defn(name="billing.advance_subscription")
    async def advance_subscription(self, cmd: AdvanceSubscription) -> SubscriptionProgress:
        """Let happen what is due for a customer's subscription, by the clock of its process; what comes next."""
        return await self._books(cmd.tenant_id, lambda uow: advance(uow, cmd, self._ids))

    @activity.defn(name="billing.drive_payment")
    async def drive_payment(self, cmd: DrivePayment) -> PaymentProgress:
        """Send a payment, or ask its provider what became of it, by the clock of its process; what comes next."""
        return await drive(self._books, self._providers, cmd, self._ids)

    @activity.defn(name="billing.drive_refund")
    async def drive_refund(self, cmd: DriveRefund) -> RefundProgress:
        """Send a refund, or ask its provider what became of it, by the clock of its process; what comes next."""
        return await drive_refund(self._books, self._providers, cmd, self._ids)

    @activity.defn(name="billing.deliver_webhooks")
    async def deliver_webhooks(self, cmd: DeliverWebhooks) -> WebhookProgress:
        """Send what is due to a webhook endpoint; what comes next."""
        return await deliver(self._books, self._webhooks, cmd, self._ids)

    @activity.defn(name="billing.reckon_revenue")
    async def reckon_revenue(self, cmd: ReckonRevenue) -> RevenueProgress:
        """Reckon a revenue report, and keep it."""
        return await reckon_report(self._books, self._revenue, cmd, self._now)

    @activity.defn(name="billing.advance_clock")
    async def advance_clock(self, cmd: AdvanceClock) -> ClockProgress:
        """Let everything happen that is due for a test clock's customers."""
        return await self._time.advance(cmd)

    @activity.defn(name="billing.settle_credit_grant")
    async def settle_credit_grant(self, cmd: SettleCreditGrant) -> CreditGrantProgress:
        """Let credit expire whose time is over by the clock of its process; what comes next."""
        return await self._books(cmd.tenant_id, lambda uow: settle_credit_grant(uow, cmd, self._ids))

    @activity.defn(name="billing.settle_dunning")
    async def settle_dunning(self, cmd: SettleDunning) -> DunningProgress:
        """Let every step of dunning happen that is due, by the clock of its process; what comes next."""
        return await self._books(cmd.tenant_id, lambda uow: settle_dunning(uow, cmd, self._ids))

    @activity.defn(name="billing.steer_dunning")
    async def steer_dunning(self, cmd: SteerDunning) -> DunningProgress:
        """Do with a case what an operator asks of its process."""
        now = cmd.now or self._now()
        return dunning_standing(
            await self._books(cmd.tenant_id, lambda uow: steer_dunning(uow, cmd, self._ids, now=now))
        )

    @activity.defn(name="billing.settle_invoice")
    async def settle_invoice(self, cmd: SettleInvoice) -> InvoiceProgress:
        """Let happen what is due for an invoice, by the clock of its process; what comes next."""
        return await self._books(cmd.tenant_id, lambda uow: settle(uow, cmd, self._ids))
