"""Queues what billing announces for the endpoints that want it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.billing.postgres import PostgresBillingUnitOfWork
from adapters.kernel.clock import new_id
from adapters.postgres.session import Session
from domain.billing.webhooks import Happened, WebhookBooks
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.kernel.ids import TenantId


class WebhookQueue:
    """Whatever is queued is announced once for each endpoint and batch: its process sends it."""

    subscription = Subscription(
        name="billing.webhooks",
        kind=SubscriptionKind.CONSEQUENCES,
        types=("billing.*",),
        purpose="Queues what billing announces for the webhook endpoints that want it.",
    )
    in_transaction = True

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Whether the tenant's books are there."""
        return bool(
            await session.sql.fetchval("SELECT true FROM security_tenant WHERE id = $1 AND status = 'active'", tenant)
        )

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Queue them."""
        assert session is not None
        books = WebhookBooks(PostgresBillingUnitOfWork(session), tenant, new_id, self._now())
        await books.queue(Happened(event.id, event.type, event.subject) for event in events)
