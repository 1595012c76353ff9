"""What notifications can do, each in one transaction."""

from __future__ import annotations

from datetime import datetime

from domain.notifications.errors import MailRefused
from domain.notifications.events import NotificationFailed, NotificationSent
from domain.notifications.model import Delivery, DeliveryStatus, Letter, masked
from domain.notifications.ports import NotificationsUnitOfWork


async def begin_delivery(uow: NotificationsUnitOfWork, letter: Letter, *, now: datetime) -> Delivery:
    """Record that the mail is about to be sent, with the Message-ID every attempt will carry."""
    purpose = letter.purpose
    await uow.deliveries.hold(purpose)
    delivery = await uow.deliveries.find(purpose)
    if delivery is None:
        delivery = Delivery(
            id=letter.notification_id,
            purpose=purpose,
            channel="email",
            template=letter.template,
            recipient=letter.recipient,
            message_id=f"<{letter.notification_id}@harborgrid.example>",
            status=DeliveryStatus.SENDING,
            attempts=0,
            created_at=now,
        )
    if delivery.status is not DeliveryStatus.SENT:
        delivery = delivery.model_copy(update={"attempts": delivery.attempts + 1, "status": DeliveryStatus.SENDING})
        await uow.deliveries.put(delivery)
    return delivery


async def record_sent(uow: NotificationsUnitOfWork, delivery: Delivery, answer: str, *, now: datetime) -> Delivery:
    """The server took it: remember its answer and tell everyone, once."""
    await uow.deliveries.hold(delivery.purpose)
    current = await uow.deliveries.get(delivery.id)
    if current.status is DeliveryStatus.SENT:
        return current
    sent = current.model_copy(update={"status": DeliveryStatus.SENT, "sent_at": now, "answer": answer})
    await uow.deliveries.put(sent)
    uow.events.append(
        NotificationSent(
            notification_id=sent.id,
            channel="email",
            template=sent.template,
            recipient=masked(sent.recipient),
            message_id=sent.message_id,
            occurred_at=now,
        )
    )
    return sent


async def record_refused(
    uow: NotificationsUnitOfWork, delivery: Delivery, refusal: MailRefused, *, now: datetime
) -> Delivery:
    """The server refused it for good: remember why and tell everyone, once."""
    await uow.deliveries.hold(delivery.purpose)
    current = await uow.deliveries.get(delivery.id)
    if current.status is not DeliveryStatus.SENDING:
        return current
    failed = current.model_copy(update={"status": DeliveryStatus.FAILED, "answer": refusal.message})
    await uow.deliveries.put(failed)
    uow.events.append(
        NotificationFailed(
            notification_id=failed.id,
            channel="email",
            template=failed.template,
            recipient=masked(failed.recipient),
            message_id=failed.message_id,
            code=refusal.code,
            reason=refusal.message,
            attempts=failed.attempts,
            occurred_at=now,
        )
    )
    return failed
