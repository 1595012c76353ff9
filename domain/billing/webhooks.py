"""Webhooks out: endpoints, what is queued for them, and what became of each attempt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from domain.billing.ids import WebhookDeliveryId, WebhookEndpointId
from domain.billing.permissions import (
    ADD_WEBHOOK_ENDPOINT,
    CHANGE_WEBHOOK_ENDPOINT,
    REMOVE_WEBHOOK_ENDPOINT,
    REPLAY_WEBHOOKS,
    ROTATE_WEBHOOK_SECRET,
)
from domain.billing.ports import BillingUnitOfWork
from domain.billing.webhook_commands import DeliverWebhooks, WebhookProgress
from domain.billing.webhook_errors import WebhookEndpointsTooMany
from domain.billing.webhook_events import WebhookDisabled, WebhookFailed, WebhookQueued, WebhookTested
from domain.billing.webhook_model import (
    GIVEN_UP_AFTER,
    WAITS,
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointTerms,
)
from domain.bus.event import EventId
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids, Transactions

MOST_ENDPOINTS = 50
AT_ONCE = 100
"""So many are sent in one step of an endpoint's process."""
OWN_TYPES = "billing.webhook."


class Happened(NamedTuple):
    """An event, as far as it matters who wants it. subject: what it is about."""

    id: EventId
    type: str
    subject: str


class WebhookSender(Protocol):
    """Sends messages."""

    def is_sendable(self, url: str) -> bool:
        """Whether anything is sent to such a place."""
        ...

    async def send(
        self, tenant: TenantId, endpoint: WebhookEndpoint, deliveries: Sequence[WebhookDelivery], now: datetime
    ) -> list[WebhookAttempt]:
        """One attempt for each, in their order. Nothing is raised for what goes wrong on the way."""
        ...


class WebhookBooks:
    """One tenant's endpoints in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def add(self, terms: WebhookEndpointTerms) -> WebhookEndpoint:
        """Tell it what happens from now on. Raises WebhookEndpointsTooMany."""
        if len(await self.uow.webhooks.endpoints()) >= MOST_ENDPOINTS:
            raise WebhookEndpointsTooMany
        endpoint = WebhookEndpoint(
            **dict(terms), id=self.ids(WebhookEndpointId), created_at=self.now, updated_at=self.now
        )
        await self.uow.webhooks.put(endpoint)
        self._audit(ADD_WEBHOOK_ENDPOINT, endpoint.id, {"url": terms.url, "types": list(terms.types)})
        return endpoint

    async def change(self, id_: WebhookEndpointId, terms: WebhookEndpointTerms, *, revision: int) -> WebhookEndpoint:
        """Another place, or other events; whoever was disabled begins anew. Raises WebhookEndpointNotFound."""
        endpoint = await self.uow.webhooks.hold(id_)
        if endpoint.revision != revision:
            raise PreconditionFailed
        changed = await self._put(endpoint, **dict(terms), disabled_reason=None, failing_since=None)
        self._audit(CHANGE_WEBHOOK_ENDPOINT, id_, {"url": terms.url, "enabled": terms.is_enabled})
        self._tell(id_)
        return changed

    async def remove(self, id_: WebhookEndpointId) -> None:
        """Send nothing more; what was sent stays in the log. Raises WebhookEndpointNotFound."""
        endpoint = await self.uow.webhooks.hold(id_)
        await self._put(endpoint, removed_at=self.now, is_enabled=False)
        self._audit(REMOVE_WEBHOOK_ENDPOINT, id_, {"url": endpoint.url})
        self._tell(id_)

    async def rotate(self, id_: WebhookEndpointId, overlap: timedelta) -> WebhookEndpoint:
        """Sign with another secret, and for so long with the one before too. Raises WebhookEndpointNotFound."""
        endpoint = await self.uow.webhooks.hold(id_)
        rotated = await self._put(
            endpoint, secret_generation=endpoint.secret_generation + 1, previous_until=self.now + overlap
        )
        self._audit(ROTATE_WEBHOOK_SECRET, id_, {"generation": rotated.secret_generation})
        return rotated

    async def test(self, id_: WebhookEndpointId) -> None:
        """Send it a message of its own. Raises WebhookEndpointNotFound."""
        await self.uow.webhooks.get(id_)
        self.uow.events.append(WebhookTested(tenant_id=self.tenant, endpoint_id=id_, occurred_at=self.now))

    async def replay(self, id_: WebhookEndpointId, since: datetime, until: datetime) -> int:
        """Send once more what was queued between these; how many. Raises WebhookEndpointNotFound."""
        await self.uow.webhooks.get(id_)
        count = await self.uow.webhooks.queue_again(id_, since, until, self.now)
        self._audit(REPLAY_WEBHOOKS, id_, {"since": since.isoformat(), "until": until.isoformat(), "count": count})
        self._tell(id_)
        return count

    async def retry(self, delivery_id: WebhookDeliveryId) -> WebhookDelivery:
        """Send it once more, whatever became of it. Raises WebhookDeliveryNotFound."""
        delivery = await self.uow.webhooks.delivery(delivery_id)
        again = delivery.model_copy(
            update={"status": DeliveryStatus.PENDING, "attempts": 0, "next_at": self.now, "delivered_at": None}
        )
        await self.uow.webhooks.put_delivery(again)
        self._audit(REPLAY_WEBHOOKS, delivery.endpoint_id, {"deliveryId": delivery_id})
        self._tell(delivery.endpoint_id)
        return again

    async def queue(self, happened: Iterable[Happened]) -> None:
        """Let every endpoint have what it wants of these, once each."""
        endpoints = [each for each in await self.uow.webhooks.endpoints() if each.is_enabled]
        if not endpoints:
            return
        facts = list(happened)
        for endpoint in endpoints:
            wanted = [fact for fact in facts if _is_for(endpoint, fact)]
            queued = [
                WebhookDelivery(
                    id=self.ids(WebhookDeliveryId),
                    endpoint_id=endpoint.id,
                    event_id=fact.id,
                    type=fact.type,
                    status=DeliveryStatus.PENDING,
                    next_at=self.now,
                    created_at=self.now,
                )
                for fact in wanted
            ]
            if queued:
                await self.uow.webhooks.add(queued)
                self._tell(endpoint.id)

    async def due(self, id_: WebhookEndpointId) -> tuple[WebhookEndpoint, list[WebhookDelivery]]:
        """What to send it now: nothing, if it is disabled. Raises WebhookEndpointNotFound."""
        endpoint = await self.uow.webhooks.get(id_, removed=True)
        if not endpoint.is_enabled:
            return endpoint, []
        return endpoint, await self.uow.webhooks.due(id_, self.now, limit=AT_ONCE)

    async def attempted(
        self, id_: WebhookEndpointId, tried: Sequence[tuple[WebhookDelivery, WebhookAttempt]]
    ) -> WebhookProgress:
        """Write down what became of these. What was not taken is tried again, ever later, and given up at last."""
        endpoint = await self.uow.webhooks.hold(id_, removed=True)
        for delivery, attempt in tried:
            await self.uow.webhooks.log(delivery.id, attempt)
            await self.uow.webhooks.put_delivery(self._after(delivery, attempt))
        if tried:
            endpoint = await self._standing(endpoint, [attempt for _, attempt in tried])
        return await self.progress(endpoint)

    async def progress(self, endpoint: WebhookEndpoint) -> WebhookProgress:
        """Where it stands, and when something is due next."""
        if endpoint.removed_at is not None:
            return WebhookProgress(status="removed", over=True)
        pending, next_at = await self.uow.webhooks.waiting(endpoint.id)
        if not endpoint.is_enabled:
            why = endpoint.disabled_reason or "somebody has disabled it"
            return WebhookProgress(status="disabled", pending=pending, why=why)
        if next_at is None:
            return WebhookProgress(status="idle", why="everything has arrived")
        why = "the last attempt failed" if next_at > self.now else "it was queued"
        return WebhookProgress(status="sending", pending=pending, next="send", next_at=next_at, why=why)

    def _after(self, delivery: WebhookDelivery, attempt: WebhookAttempt) -> WebhookDelivery:
        attempts = delivery.attempts + 1
        if attempt.is_taken:
            done = {"status": DeliveryStatus.DELIVERED, "next_at": None, "delivered_at": attempt.at}
            return delivery.model_copy(update={**done, "attempts": attempts})
        if attempts <= len(WAITS):
            later = self.now + WAITS[attempts - 1]
            return delivery.model_copy(update={"attempts": attempts, "next_at": later})
        self.uow.events.append(
            WebhookFailed(
                tenant_id=self.tenant,
                endpoint_id=delivery.endpoint_id,
                delivery_id=delivery.id,
                event_type=delivery.type,
                attempts=attempts,
                occurred_at=self.now,
            )
        )
        return delivery.model_copy(update={"attempts": attempts, "status": DeliveryStatus.FAILED, "next_at": None})

    async def _standing(self, endpoint: WebhookEndpoint, attempts: Sequence[WebhookAttempt]) -> WebhookEndpoint:
        """Whether it still takes anything."""
        if any(each.is_gone for each in attempts):
            return await self._disabled(endpoint, "it answers 410 Gone")
        if any(each.is_taken for each in attempts):
            return await self._failing(endpoint, None)
        since = endpoint.failing_since or self.now
        if self.now - since >= GIVEN_UP_AFTER:
            return await self._disabled(endpoint, f"it has taken nothing since {since:%Y-%m-%d %H:%M} UTC")
        return await self._failing(endpoint, since)

    async def _failing(self, endpoint: WebhookEndpoint, since: datetime | None) -> WebhookEndpoint:
        """Nobody has changed it: whoever has read it may still do so."""
        if endpoint.failing_since == since:
            return endpoint
        changed = endpoint.model_copy(update={"failing_since": since})
        await self.uow.webhooks.put(changed)
        return changed

    async def _disabled(self, endpoint: WebhookEndpoint, reason: str) -> WebhookEndpoint:
        self.uow.events.append(
            WebhookDisabled(tenant_id=self.tenant, endpoint_id=endpoint.id, reason=reason, occurred_at=self.now)
        )
        return await self._put(endpoint, is_enabled=False, disabled_reason=reason)

    def _tell(self, id_: WebhookEndpointId) -> None:
        self.uow.events.append(WebhookQueued(tenant_id=self.tenant, endpoint_id=id_, occurred_at=self.now))

    async def _put(self, endpoint: WebhookEndpoint, **changes: object) -> WebhookEndpoint:
        changed = endpoint.model_copy(update={**changes, "updated_at": self.now, "revision": endpoint.revision + 1})
        await self.uow.webhooks.put(changed)
        return changed

    def _audit(self, permission: Permission, resource: str, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=resource, details=details)
        )


def _is_for(endpoint: WebhookEndpoint, fact: Happened) -> bool:
    """Tests are for the endpoint they name; what else is said of webhooks is for nobody: it would have no end."""
    if fact.type == WebhookTested.about.type:
        return fact.subject == endpoint.id
    return not fact.type.startswith(OWN_TYPES) and endpoint.wants(fact.type)


async def deliver(
    books: Transactions[BillingUnitOfWork], sender: WebhookSender, cmd: DeliverWebhooks, ids: Ids
) -> WebhookProgress:
    """Send what is due to an endpoint, and write down what became of it. May be done again: it is at least once.

    Raises WebhookEndpointNotFound.
    """

    def of(uow: BillingUnitOfWork) -> WebhookBooks:
        return WebhookBooks(uow, cmd.tenant_id, ids, cmd.now)

    endpoint, due = await books(cmd.tenant_id, lambda uow: of(uow).due(cmd.endpoint_id))
    attempts = await sender.send(cmd.tenant_id, endpoint, due, cmd.now) if due else []
    tried = list(zip(due, attempts, strict=True))
    return await books(cmd.tenant_id, lambda uow: of(uow).attempted(cmd.endpoint_id, tried))
