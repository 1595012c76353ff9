"""What notifications asks of the database and of a mail server."""

from __future__ import annotations

from typing import Protocol

from domain.bus.ports import EventLog
from domain.kernel.pagination import Page
from domain.notifications.ids import NotificationId
from domain.notifications.model import Delivery, Mail


class Deliveries(Protocol):
    """One tenant's deliveries."""

    async def hold(self, purpose: str) -> None:
        """Wait until no other transaction works on this delivery."""
        ...

    async def find(self, purpose: str) -> Delivery | None:
        """The delivery for this purpose, if there is one."""
        ...

    async def get(self, notification_id: NotificationId) -> Delivery:
        """Raises DeliveryNotFound."""
        ...

    async def put(self, delivery: Delivery) -> None:
        """Insert or replace."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[Delivery]:
        """Newest first."""
        ...


class NotificationsUnitOfWork(Protocol):
    """One transaction of notifications, in a tenant."""

    @property
    def deliveries(self) -> Deliveries: ...
    @property
    def events(self) -> EventLog: ...


class MailSender(Protocol):
    """A mail server."""

    async def send(self, mail: Mail) -> str:
        """Hand over one mail; returns the server's answer. Raises MailRefused or MailServerUnavailable."""
        ...
