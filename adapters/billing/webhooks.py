"""Webhook endpoints, what is queued for them, and the log of attempts, in the tenant's schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.billing.ids import WebhookDeliveryId, WebhookEndpointId
from domain.billing.webhook_errors import WebhookDeliveryNotFound, WebhookEndpointNotFound
from domain.billing.webhook_model import DeliveryStatus, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from domain.kernel.pagination import Page

_DELIVERY = tuple(WebhookDelivery.model_fields)
_ATTEMPT = tuple(WebhookAttempt.model_fields)


class PostgresWebhooks:
    """See `domain.billing.ports.Webhooks`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def endpoints(self) -> list[WebhookEndpoint]:
        """Those that were not removed, oldest first."""
        rows = await self._sql.fetch(
            "SELECT document FROM billing_webhook_endpoint WHERE removed_at IS NULL ORDER BY id"
        )
        return [_endpoint(row) for row in rows]

    async def get(self, id_: WebhookEndpointId, *, removed: bool = False) -> WebhookEndpoint:
        """removed: even if it was. Raises WebhookEndpointNotFound."""
        return await self._one(id_, removed=removed)

    async def hold(self, id_: WebhookEndpointId, *, removed: bool = False) -> WebhookEndpoint:
        """Locked until the transaction ends. Raises WebhookEndpointNotFound."""
        return await self._one(id_, "FOR UPDATE", removed=removed)

    async def put(self, endpoint: WebhookEndpoint) -> None:
        """Insert or replace."""
        await self._sql.execute(
            "INSERT INTO billing_webhook_endpoint (id, removed_at, document) VALUES ($1, $2, $3) ON CONFLICT (id) "
            "DO UPDATE SET (removed_at, document) = (excluded.removed_at, excluded.document)",
            endpoint.id,
            endpoint.removed_at,
            endpoint.model_dump(mode="json"),
        )

    async def add(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Insert; what an endpoint has of an event already stays."""
        await self._sql.executemany(
            f"INSERT INTO billing_webhook_delivery ({names(_DELIVERY)}) VALUES ({places(_DELIVERY)}) "
            "ON CONFLICT (endpoint_id, event_id) DO NOTHING",
            [values_of(each, _DELIVERY) for each in deliveries],
        )

    async def due(self, id_: WebhookEndpointId, now: datetime, *, limit: int) -> list[WebhookDelivery]:
        """Those whose time has come, the oldest first."""
        rows = await self._sql.fetch(
            "SELECT * FROM billing_webhook_delivery WHERE endpoint_id = $1 AND status = 'pending' AND next_at <= $2 "
            "ORDER BY id LIMIT $3",
            id_,
            now,
            limit,
        )
        return [WebhookDelivery(**dict(row)) for row in rows]

    async def waiting(self, id_: WebhookEndpointId) -> tuple[int, datetime | None]:
        """How many wait for it, and when the first is due."""
        row = await self._sql.fetchrow(
            "SELECT count(*) AS count, min(next_at) AS next_at FROM billing_webhook_delivery "
            "WHERE endpoint_id = $1 AND status = 'pending'",
            id_,
        )
        assert row is not None
        return row["count"], row["next_at"]

    async def delivery(self, delivery_id: WebhookDeliveryId) -> WebhookDelivery:
        """Raises WebhookDeliveryNotFound."""
        row = await self._sql.fetchrow("SELECT * FROM billing_webhook_delivery WHERE id = $1", delivery_id)
        if row is None:
            raise WebhookDeliveryNotFound
        return WebhookDelivery(**dict(row))

    async def put_delivery(self, delivery: WebhookDelivery) -> None:
        """Replace."""
        await self._sql.execute(
            f"UPDATE billing_webhook_delivery SET ({names(_DELIVERY)}) = ({places(_DELIVERY)}) WHERE id = $1",
            *values_of(delivery, _DELIVERY),
        )

    async def log(self, delivery_id: WebhookDeliveryId, attempt: WebhookAttempt) -> None:
        """Keep it."""
        columns = ("delivery_id", *_ATTEMPT)
        await self._sql.execute(
            f"INSERT INTO billing_webhook_attempt ({names(columns)}) VALUES ({places(columns)})",
            delivery_id,
            *values_of(attempt, _ATTEMPT),
        )

    async def attempts(self, delivery_id: WebhookDeliveryId) -> list[WebhookAttempt]:
        """Oldest first."""
        rows = await self._sql.fetch(
            f"SELECT {names(_ATTEMPT)} FROM billing_webhook_attempt WHERE delivery_id = $1 ORDER BY number", delivery_id
        )
        return [WebhookAttempt(**dict(row)) for row in rows]

    async def queue_again(self, id_: WebhookEndpointId, since: datetime, until: datetime, now: datetime) -> int:
        """All that was queued between these; how many."""
        done = await self._sql.execute(
            "UPDATE billing_webhook_delivery SET status = 'pending', attempts = 0, next_at = $4, delivered_at = NULL "
            "WHERE endpoint_id = $1 AND created_at >= $2 AND created_at < $3",
            id_,
            since,
            until,
            now,
        )
        return int(done.rpartition(" ")[2])

    async def page(
        self, endpoint: WebhookEndpointId | None, status: DeliveryStatus | None, *, cursor: str | None, limit: int
    ) -> Page[WebhookDelivery]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_webhook_delivery",
            lambda row: WebhookDelivery(**dict(row)),
            where="($1::text IS NULL OR endpoint_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(endpoint, status),
            cursor=cursor,
            limit=limit,
        )

    async def _one(self, id_: WebhookEndpointId, lock: str = "", *, removed: bool) -> WebhookEndpoint:
        row = await self._sql.fetchrow(
            f"SELECT document FROM billing_webhook_endpoint WHERE id = $1 AND ($2 OR removed_at IS NULL) {lock}",
            id_,
            removed,
        )
        if row is None:
            raise WebhookEndpointNotFound
        return _endpoint(row)


def _endpoint(row: Any) -> WebhookEndpoint:
    return WebhookEndpoint.model_validate(row["document"])
