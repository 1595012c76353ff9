"""Messages, and the record of each one's delivery."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.kernel.payload import Payload
from domain.notifications.ids import NotificationId


class DeliveryStatus(StrEnum):
    """`sending` means the server may or may not have it: sending again repeats the same Message-ID."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Delivery(Payload):
    """One message to one recipient. `purpose` is its idempotency key; `answer` is the server's last word."""

    id: NotificationId
    purpose: str
    channel: str
    template: str
    recipient: str
    message_id: str
    status: DeliveryStatus
    attempts: int
    created_at: datetime
    sent_at: datetime | None = None
    answer: str | None = None


class Letter(Payload):
    """A mail to be written. purpose: what it is sent for, once; template: which words."""

    purpose: str
    notification_id: NotificationId
    template: str
    recipient: str


class Mail(Payload):
    """A rendered e-mail (RFC 5322). The Message-ID is stable across attempts, so receivers can tell a repeat."""

    message_id: str
    recipient_name: str
    recipient: str
    subject: str
    text: str
    html: str


def masked(address: str) -> str:
    """An address for logs and events: `ada@example.com` becomes `a**@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}{'*' * max(len(local) - 1, 1)}{at}{domain}"
