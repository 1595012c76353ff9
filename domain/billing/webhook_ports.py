"""What billing asks of the database about webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.billing.ids import (
    WebhookDeliveryId,
    WebhookEndpointId,
)
from domain.billing.webhook_model import DeliveryStatus, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from domain.kernel.pagination import Page


class Webhooks(Protocol):
    """Webhook endpoints, and what is queued for them."""

    async def endpoints(self) -> list[WebhookEndpoint]:
        """Those that were not removed, oldest first."""
        ...

    async def get(self, id_: WebhookEndpointId, *, removed: bool = False) -> WebhookEndpoint:
        """removed: even if it was. Raises WebhookEndpointNotFound."""
        ...

    async def hold(self, id_: WebhookEndpointId, *, removed: bool = False) -> WebhookEndpoint:
        """The same; nobody else changes it until the transaction ends. Raises WebhookEndpointNotFound."""
        ...

    async def put(self, endpoint: WebhookEndpoint) -> None:
        """Insert or replace."""
        ...

    async def add(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Insert; what an endpoint has of an event already stays."""
        ...

    async def due(self, id_: WebhookEndpointId, now: datetime, *, limit: int) -> list[WebhookDelivery]:
        """Those whose time has come, the oldest first."""
        ...

    async def waiting(self, id_: WebhookEndpointId) -> tuple[int, datetime | None]:
        """How many wait for it, and when the first is due."""
        ...

    async def delivery(self, delivery_id: WebhookDeliveryId) -> WebhookDelivery:
        """Raises WebhookDeliveryNotFound."""
        ...

    async def put_delivery(self, delivery: WebhookDelivery) -> None:
        """Replace."""
        ...

    async def log(self, delivery_id: WebhookDeliveryId, attempt: WebhookAttempt) -> None:
        """Keep it."""
        ...

    async def attempts(self, delivery_id: WebhookDeliveryId) -> list[WebhookAttempt]:
        """Oldest first."""
        ...

    async def queue_again(self, id_: WebhookEndpointId, since: datetime, until: datetime, now: datetime) -> int:
        """All that was queued between these; how many."""
        ...

    async def page(
        self, endpoint: WebhookEndpointId | None, status: DeliveryStatus | None, *, cursor: str | None, limit: int
    ) -> Page[WebhookDelivery]:
        """Newest first."""
        ...
