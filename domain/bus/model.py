"""Subscriptions: who listens to what, how far each tenant's events were handled, and what was set aside."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from domain.bus.event import START, Position, RecordedEvent
from domain.kernel.ids import Id, TenantId
from domain.kernel.payload import Payload


class ParkedId(Id, prefix="prk"):
    """An event set aside for one subscription."""


class SubscriptionKind(StrEnum):
    """What a subscription does with events. consequences: it writes down and announces what follows from them."""

    PROJECTION = "projection"
    LAKE = "lake"
    REACTIONS = "reactions"
    CONSEQUENCES = "consequences"


class Subscription(Payload):
    """A named listener. `types` are event types or prefixes ending in `*`; `attempts` before an event is parked."""

    name: str
    kind: SubscriptionKind
    types: tuple[str, ...]
    purpose: str
    attempts: int = 3

    def wants(self, type_: str) -> bool:
        """Whether events of this type are for this subscription."""
        return any(fnmatchcase(type_, pattern) for pattern in self.types)


class Batch(Payload):
    """What there is of one tenant, for one subscription: at least up to this position."""

    subscription: str
    tenant_id: TenantId
    up_to: Position
    redeliver: tuple[ParkedId, ...] = ()


class Progress(Payload):
    """How far a subscription has come with one tenant, and how many of its events are parked.

    handled: events handled by this delivery; parked: events parked in all; more: there may be something left to read
    of which nobody will tell; stays: events come faster than news of them, and the reader has promised to look again.
    """

    cursor: Position
    handled: int
    parked: int
    more: bool = False
    stays: bool = False


class Parked(Payload):
    """An event a handler could not take, why, and how often it was tried."""

    id: ParkedId
    subscription: str
    tenant_id: TenantId
    subject: str
    event: RecordedEvent
    code: str
    reason: str
    attempts: int
    parked_at: datetime


class SubscriptionState(Payload):
    """One subscription's progress with one tenant. `lag_events` counts committed events not yet handled."""

    subscription: str
    tenant_id: TenantId
    cursor: str
    lag_events: int
    parked: int
    updated_at: datetime


class Rebuild(Payload):
    """Replay one tenant's events into a shadow of a projection; `swap` replaces the live one if they differ."""

    subscription: str
    tenant_id: TenantId
    swap: bool = False


class RebuildReport(Payload):
    """What the comparison found. `differences` holds up to ten rows that are in one of the two only."""

    subscription: str
    tenant_id: TenantId
    events: int
    live_rows: int
    shadow_rows: int
    equal: bool
    swapped: bool
    differences: tuple[str, ...] = ()


class RebuildId(Id, prefix="rbd"):
    """One rebuild of a projection."""


class Consume(Payload):
    """Who reads what, and what was still to do when the last run ended.

    in_transaction: the effect is in our database and quick, so that a delivery is a local activity.
    """

    subscription: str
    tenant_id: TenantId
    in_transaction: bool = False
    target: Position = START
    redeliver: tuple[ParkedId, ...] = ()


class ConsumerProgress(Payload):
    """How far the reader is."""

    cursor: str
    target: str
    handled: int
    parked: int
