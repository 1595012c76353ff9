"""Sends webhooks: events as CloudEvents 1.0, signed as Standard Webhooks demands, never into our own network."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import datetime

import orjson

from adapters.bus.store import PostgresEventReader
from adapters.kernel.outside import Outside, OutsideForbidden, OutsideUnreachable
from adapters.telemetry.metrics import WEBHOOKS
from domain.billing.ids import WebhookEndpointId
from domain.billing.webhook_model import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from domain.billing.webhook_signing import signed_headers
from domain.bus.documents import cloud_event
from domain.kernel.ids import TenantId

_AT_ONCE = 4
_MOST_KEPT = 500


class WebhookSecrets:
    """Secrets that are computed: nothing is kept that could be stolen, and each generation is another."""

    def __init__(self, root: bytes) -> None:
        self._key = hmac.digest(root, b"webhook-secrets", hashlib.sha256)

    def of(self, tenant: TenantId, endpoint: WebhookEndpointId, generation: int) -> bytes:
        """32 bytes."""
        return hmac.digest(self._key, f"{tenant}/{endpoint}/{generation}".encode(), hashlib.sha256)


class HttpWebhookSender:
    """See `domain.billing.webhooks.WebhookSender`."""

    def __init__(
        self, outside: Outside, events: PostgresEventReader, secrets: WebhookSecrets, *, private: bool
    ) -> None:
        self._outside, self._events, self._secrets, self._private = outside, events, secrets, private

    def is_sendable(self, url: str) -> bool:
        """On TLS, unless private places are allowed."""
        return self._private or url.startswith("https://")

    async def send(
        self, tenant: TenantId, endpoint: WebhookEndpoint, deliveries: Sequence[WebhookDelivery], now: datetime
    ) -> list[WebhookAttempt]:
        """A few at once, so that one slow endpoint is not asked too much of."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(delivery: WebhookDelivery) -> WebhookAttempt:
            async with turn:
                return await self._sent(tenant, endpoint, delivery, now)

        return await asyncio.gather(*map(one, deliveries))

    async def _sent(
        self, tenant: TenantId, endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime
    ) -> WebhookAttempt:
        event = await self._events.get(tenant, delivery.event_id)
        body = orjson.dumps(cloud_event(event))
        secrets = [self._secrets.of(tenant, endpoint.id, each) for each in endpoint.generations(now)]
        headers = {
            **signed_headers(delivery.event_id, now, body, secrets),
            "Content-Type": "application/cloudevents+json",
        }
        began, error, status, answer = time.perf_counter(), None, None, ""
        try:
            reply = await self._outside.ask("POST", endpoint.url, headers=headers, content=body)
            status, answer = reply.status, reply.body[:_MOST_KEPT].decode(errors="replace").replace("\x00", "")
        except (OutsideForbidden, OutsideUnreachable) as lost:
            error = str(lost)
        attempt = WebhookAttempt(
            at=now,
            status=status,
            duration_ms=int((time.perf_counter() - began) * 1_000),
            error=error,
            answer=answer,
        )
        outcome = "taken" if attempt.is_taken else "refused" if status else "unreachable"
        WEBHOOKS.labels(outcome).inc()
        return attempt
