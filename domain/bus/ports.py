"""What the event bus asks of the world: a log to append to, a store to read, and a way to hand events on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Protocol

from domain.bus.event import Event, Position, RecordedEvent
from domain.bus.model import Batch, Parked, ParkedId, Progress, Rebuild, RebuildReport, SubscriptionState
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page


class EventLog(Protocol):
    """Where a unit of work announces what it did."""

    def append(self, *happened: Event, tenant: TenantId | None = None) -> None:
        """Record these facts when the transaction commits; `tenant` if not the one the unit of work is for.

        Raises UnknownEventType at once.
        """
        ...


class EventReader(Protocol):
    """Reads what is recorded; only what no running transaction can still precede."""

    async def after(self, position: Position, *, limit: int) -> Sequence[RecordedEvent]:
        """Up to `limit` events behind the fence, in order, of every tenant: for the relay only."""
        ...

    async def page(
        self,
        tenant: TenantId | None,
        *,
        types: Sequence[str] = (),
        subject: str | None = None,
        correlation_id: str | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Page[RecordedEvent]:
        """Newest first. tenant None reads as the platform's operator, across tenants."""
        ...

    async def story(self, tenant: TenantId | None, correlation_id: str) -> Sequence[RecordedEvent]:
        """Every event with this correlation id, oldest first."""
        ...

    async def fence_age_seconds(self) -> float:
        """How long the oldest running writing transaction has held back all readers."""
        ...


class Subscriptions(Protocol):
    """Cursors and parked events of every subscription and tenant."""

    async def deliver(self, batch: Batch, *, attempt: int) -> Progress:
        """Hand the tenant's next events to the subscription's handler, with the cursor, in one transaction.

        A handler's refusal parks the event at once; any other failure is raised, and parks the event when
        `attempt` has reached the subscription's limit. Attempts belong to the event that a delivery begins with:
        a later attempt that gets past it ends with `more`, and the next delivery counts from one.

        `redeliver` tries parked events again, each subject from its oldest one on until one is refused.
        """
        ...

    async def states(self, tenant: TenantId | None) -> Sequence[SubscriptionState]:
        """Cursor, lag and parked count per subscription and tenant."""
        ...

    async def parked(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Parked]:
        """Parked events, oldest first."""
        ...

    async def parked_event(self, tenant: TenantId | None, parked_id: ParkedId) -> Parked:
        """One parked event. Raises ParkedEventNotFound."""
        ...


class Rebuilder(Protocol):
    """Replays a projection into a shadow and compares it with the live one."""

    async def rebuild(self, cmd: Rebuild, *, heartbeat: Callable[..., None]) -> RebuildReport:
        """Raises SubscriptionNotFound or NotAProjection. Calls `heartbeat(events so far)` as it goes."""
        ...


class Arrival(Protocol):
    """An event that has come: whose it is, and where it stands. The rest is read when somebody asks."""

    @property
    def type(self) -> str:
        """Its address in the catalogue."""
        ...

    @property
    def tenant_id(self) -> TenantId | None:
        """Whose it is; None for the platform's."""
        ...

    @property
    def timestamp(self) -> datetime:
        """When it happened."""
        ...

    @property
    def position(self) -> Position:
        """Its place in the store."""
        ...

    def event(self) -> RecordedEvent:
        """All of it."""
        ...


class Delivery(Protocol):
    """Some events in order, and the promise to remember that they were handled."""

    @property
    def arrivals(self) -> Sequence[Arrival]:
        """The events, oldest first."""
        ...

    async def ack(self) -> None:
        """They are handled: do not deliver them to this reader again."""
        ...


class EventTransport(Protocol):
    """Carries committed events to readers, at least once and in order per tenant."""

    def deliveries(self, reader: str) -> AsyncGenerator[Delivery, None]:
        """Endless: what is not acknowledged is delivered again, after a crash too. One reader per name at a time.

        A lost connection ends it with an error, and the caller asks anew. Close it (`contextlib.aclosing`), or
        the next reader waits.
        """
        ...
