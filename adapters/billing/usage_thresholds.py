"""Looks at customers whose usage was reported, and tells once of each share of what is included that it has reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from adapters.billing.postgres import PostgresBillingUnitOfWork
from adapters.postgres.session import Session
from domain.billing.thresholds import crossed
from domain.billing.usage_events import UsageRecorded
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.catalogue import CATALOGUE
from domain.kernel.ids import TenantId


class UsageThresholds:
    """However many batches there were, each customer in them is looked at once."""

    subscription = Subscription(
        name="billing.usage_thresholds",
        kind=SubscriptionKind.CONSEQUENCES,
        types=(UsageRecorded.about.type,),
        purpose="Tells once in a period of each share of what is included that usage has reached.",
    )
    in_transaction = True

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Always: whoever reports usage has books."""
        return True

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Look at each customer, and announce what was reached."""
        assert session is not None
        facts = [CATALOGUE.read(event.type, event.version, event.data) for event in events]
        subjects = {name for fact in facts if isinstance(fact, UsageRecorded) for name in fact.subjects}
        reached = await crossed(PostgresBillingUnitOfWork(session), sorted(subjects), self._now())
        session.append(*reached)
