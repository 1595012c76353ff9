"""Dunning as a process: every step when it is due, until the invoice is paid or nothing is left to do."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import OWN_DATABASE, OWN_DATABASE_AT_ONCE
from domain.billing.dunning_commands import DunningProgress, FollowDunning, SettleDunning, SteerDunning
from domain.billing.dunning_model import Reminder
from domain.billing.ids import InvoiceId
from domain.kernel.ids import TenantId
from domain.notifications.commands import NoticeKind, SendNotice
from domain.notifications.ids import NotificationId
from workflows.billing.clock import BooksClock
from workflows.ids import new_id
from workflows.notices import mailed


def workflow_id(tenant: TenantId, invoice_id: InvoiceId) -> str:
    """The one process about this invoice."""
    return f"{tenant}/billing/dunning/{invoice_id}"


@workflow.defn(name="billing.dunning")
class DunningWorkflow(BooksClock[DunningProgress]):
    """It ends when the invoice is paid, or when every step was done."""

    def __init__(self) -> None:
        super().__init__(DunningProgress())

    @workflow.run
    async def run(self, input: FollowDunning) -> DunningProgress:
        """How it ended."""
        return await self.keep_time(input, lambda now: self._settled(input, now))

    async def _settled(self, input: FollowDunning, now: datetime) -> DunningProgress:
        """What is due was done, and customers were told."""
        progress = await self._settle(SettleDunning(**dict(input), now=now))
        while progress.reminder is not None:
            how = await mailed(_notice(input, progress.reminder)) or "sent"
            progress = await self._settle(
                SettleDunning(**dict(input), now=now, reminded=progress.reminder.step, how=how)
            )
        return progress

    @staticmethod
    async def _settle(cmd: SettleDunning) -> DunningProgress:
        return await workflow.execute_local_activity_method(
            BillingActivities.settle_dunning, cmd, summary="what is due", **OWN_DATABASE_AT_ONCE
        )

    @workflow.update
    async def steer(self, wish: SteerDunning) -> DunningProgress:
        """Pause, resume, skip, re-time, approve or stop: what an operator does from here, with audit."""
        told = await workflow.execute_activity_method(
            BillingActivities.steer_dunning,
            wish.model_copy(update={"now": workflow.now() + self._ahead}),
            summary=wish.verb.value,
            **OWN_DATABASE,
        )
        self._changes.told()
        return told

    @workflow.query
    def progress(self) -> DunningProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now


def _notice(input: FollowDunning, reminder: Reminder) -> SendNotice:
    return SendNotice(
        tenant_id=input.tenant_id,
        notification_id=new_id(NotificationId),
        kind=NoticeKind(f"dunning_{reminder.template}"),
        about=f"{input.invoice_id}/{reminder.step}",
        facts=reminder.facts,
        recipient_name=reminder.name,
        recipient=reminder.email,
        locale=reminder.locale,
    )
