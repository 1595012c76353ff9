"""Notifications' durable steps."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from domain.kernel.ids import TenantId
from domain.kernel.ports import Clock, Transactions
from domain.notifications.commands import MailTaken, SendLinkEmail, SendNotice, SendWelcomeEmail
from domain.notifications.errors import MailRefused
from domain.notifications.link_mails import link_mail
from domain.notifications.model import DeliveryStatus, Letter, Mail
from domain.notifications.notices import notice_mail
from domain.notifications.ports import MailSender, NotificationsUnitOfWork
from domain.notifications.service import begin_delivery, record_refused, record_sent
from domain.notifications.welcome import welcome_mail


class NotificationsActivities:
    """Steps that send messages. link_to: the address of the page for what a link is about, with its secret."""

    def __init__(
        self,
        transactions: Transactions[NotificationsUnitOfWork],
        mail: MailSender,
        now: Clock,
        link_to: Callable[[str], str],
    ) -> None:
        self._transactions, self._mail, self._now, self._link_to = transactions, mail, now, link_to

    @activity.defn(name="notifications.send_welcome_email")
    async def send_welcome_email(self, cmd: SendWelcomeEmail) -> MailTaken:
        """Welcome the owner."""
        letter = Letter(
            purpose=f"welcome/{cmd.tenant_id}",
            notification_id=cmd.notification_id,
            template="welcome",
            recipient=cmd.owner_email,
        )
        return await self._deliver(cmd.tenant_id, letter, lambda message_id: welcome_mail(cmd, message_id))

    @activity.defn(name="notifications.send_link_email")
    async def send_link_email(self, cmd: SendLinkEmail) -> MailTaken:
        """Mail a link. Its secret half is in the mail alone, and in no history."""
        letter = Letter(
            purpose=f"{cmd.purpose}/{cmd.link_id}",
            notification_id=cmd.notification_id,
            template=cmd.purpose,
            recipient=cmd.recipient,
        )
        link = self._link_to(cmd.link_id)
        return await self._deliver(cmd.tenant_id, letter, lambda message_id: link_mail(cmd, message_id, link))

    @activity.defn(name="notifications.send_notice")
    async def send_notice(self, cmd: SendNotice) -> MailTaken:
        """Tell somebody what happened."""
        letter = Letter(
            purpose=f"{cmd.kind}/{cmd.about}",
            notification_id=cmd.notification_id,
            template=cmd.kind,
            recipient=cmd.recipient,
        )
        return await self._deliver(cmd.tenant_id, letter, lambda message_id: notice_mail(cmd, message_id))

    async def _deliver(self, tenant: TenantId, letter: Letter, write: Callable[[str], Mail]) -> MailTaken:
        """Every attempt carries the same Message-ID, so a repeat is told apart by receivers."""
        delivery = await self._transactions(tenant, lambda uow: begin_delivery(uow, letter, now=self._now()))
        if delivery.status is not DeliveryStatus.SENT:
            # Outside the transaction: a slow mail server must not hold our row locks.
            try:
                answer = await self._mail.send(write(delivery.message_id))
            except MailRefused as error:
                refusal = error
                await self._transactions(tenant, lambda uow: record_refused(uow, delivery, refusal, now=self._now()))
                raise
            await self._transactions(tenant, lambda uow: record_sent(uow, delivery, answer, now=self._now()))
        return MailTaken(notification_id=delivery.id, message_id=delivery.message_id)
