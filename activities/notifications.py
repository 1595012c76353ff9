"""Notifications' durable steps."""

from __future__ import annotations

from temporalio import activity

from domain.kernel.ports import Clock, Transactions
from domain.notifications.commands import SendWelcomeEmail, WelcomeSent
from domain.notifications.errors import MailRefused
from domain.notifications.model import DeliveryStatus
from domain.notifications.ports import MailSender, NotificationsUnitOfWork
from domain.notifications.service import begin_welcome, record_refused, record_sent
from domain.notifications.welcome import welcome_mail


class NotificationsActivities:
    """Steps that send messages."""

    def __init__(self, transactions: Transactions[NotificationsUnitOfWork], mail: MailSender, now: Clock) -> None:
        self._transactions, self._mail, self._now = transactions, mail, now

    @activity.defn(name="notifications.send_welcome_email")
    async def send_welcome_email(self, cmd: SendWelcomeEmail) -> WelcomeSent:
        """Welcome the owner. Every attempt carries the same Message-ID, so a repeat is told apart by receivers."""
        delivery = await self._transactions(cmd.tenant_id, lambda uow: begin_welcome(uow, cmd, now=self._now()))
        if delivery.status is not DeliveryStatus.SENT:
            # Outside the transaction: a slow mail server must not hold our row locks.
            try:
                answer = await self._mail.send(welcome_mail(cmd, delivery.message_id))
            except MailRefused as error:
                refusal = error
                await self._transactions(
                    cmd.tenant_id, lambda uow: record_refused(uow, delivery, refusal, now=self._now())
                )
                raise
            await self._transactions(cmd.tenant_id, lambda uow: record_sent(uow, delivery, answer, now=self._now()))
        return WelcomeSent(notification_id=delivery.id, message_id=delivery.message_id)
