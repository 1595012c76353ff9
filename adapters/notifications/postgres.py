"""Deliveries in the tenant's schema."""

from __future__ import annotations

from adapters.postgres.rows import hold, newest_first
from adapters.postgres.session import Session
from domain.kernel.pagination import Page
from domain.notifications.errors import DeliveryNotFound
from domain.notifications.ids import NotificationId
from domain.notifications.model import Delivery

_COLUMNS = "id, purpose, channel, template, recipient, message_id, status, attempts, created_at, sent_at, answer"


class PostgresDeliveries:
    """One tenant's deliveries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(self, purpose: str) -> None:
        """Wait for others who work on this delivery."""
        await hold(self._session, f"notifications_delivery/{purpose}")

    async def find(self, purpose: str) -> Delivery | None:
        """The delivery for this purpose."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM notifications_delivery WHERE purpose = $1", purpose
        )
        return Delivery(**dict(row)) if row else None

    async def get(self, notification_id: NotificationId) -> Delivery:
        """Raises DeliveryNotFound."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM notifications_delivery WHERE id = $1", notification_id
        )
        if row is None:
            raise DeliveryNotFound
        return Delivery(**dict(row))

    async def put(self, delivery: Delivery) -> None:
        """Insert or replace."""
        await self._session.sql.execute(
            f"INSERT INTO notifications_delivery ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
            "ON CONFLICT (id) DO UPDATE SET (status, attempts, sent_at, answer) "
            "= (excluded.status, excluded.attempts, excluded.sent_at, excluded.answer)",
            delivery.id,
            delivery.purpose,
            delivery.channel,
            delivery.template,
            delivery.recipient,
            delivery.message_id,
            delivery.status,
            delivery.attempts,
            delivery.created_at,
            delivery.sent_at,
            delivery.answer,
        )

    async def page(self, *, cursor: str | None, limit: int) -> Page[Delivery]:
        """Newest first."""
        return await newest_first(
            self._session, "notifications_delivery", lambda row: Delivery(**dict(row)), cursor=cursor, limit=limit
        )


class PostgresNotificationsUnitOfWork:
    """One transaction of notifications."""

    def __init__(self, session: Session) -> None:
        self.deliveries = PostgresDeliveries(session)
        self.events = session
