"""Meters requests that the gateway has answered as usage of whoever sent them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.billing.postgres import PostgresBillingUnitOfWork
from adapters.postgres.session import Session
from domain.billing.metering import record_usage
from domain.billing.usage_model import UsageEvent
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.catalogue import CATALOGUE
from domain.gateway.events import RequestCompleted
from domain.kernel.ids import TenantId


class RequestUsage:
    """Each request is a CloudEvent of source `/gateway`, named by its event's id, so that it counts once.

    Its subject is the API key that it came with: a customer has it among its `usageSubjects`.
    """

    subscription = Subscription(
        name="billing.request_usage",
        kind=SubscriptionKind.CONSEQUENCES,
        types=(RequestCompleted.about.type,),
        purpose="Meters answered requests as usage of the API keys that they came with.",
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
        """Report them; what came without a key is nobody's."""
        assert session is not None
        found = [usage for event in events if (usage := _usage(event)) is not None]
        if found:
            await record_usage(PostgresBillingUnitOfWork(session), tenant, found, now=self._now())


def _usage(event: RecordedEvent) -> UsageEvent | None:
    fact = CATALOGUE.read(event.type, event.version, event.data)
    if not isinstance(fact, RequestCompleted) or fact.api_key_id is None:
        return None
    names = ("method", "route", "status", "duration_ms", "request_bytes", "response_bytes", "plan_code")
    return UsageEvent(
        id=event.id,
        source="/gateway",
        type=event.type,
        subject=fact.api_key_id,
        time=event.timestamp,
        data={"requests": 1, **{name: getattr(fact, name) for name in names}},
    )
