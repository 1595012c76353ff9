"""What a subscription does with events, seen from the delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from adapters.postgres.session import Session
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription
from domain.kernel.ids import TenantId


class EventHandler(Protocol):
    """Takes a tenant's events in order. `in_transaction`: its effect is in our database, with the cursor."""

    @property
    def subscription(self) -> Subscription:
        """What it listens to, under which name."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether `handle` is given the transaction that moves the cursor."""
        ...

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Whether this tenant can be handled yet; if not, its events wait."""
        ...

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Apply them all, or raise and apply none. `session` is None when not `in_transaction`."""
        ...
