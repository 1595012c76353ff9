"""Test clocks: a time of their own for customers that something is to be tried with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.billing.ids import ClockId, CustomerId
from domain.kernel.payload import Payload


class SimulatedClock(Payload):
    """The time of some customers, which is ahead of the world's and goes on with it.

    now: what it showed at set_at. target: to where it is being advanced.
    """

    id: ClockId
    name: str
    now: datetime
    set_at: datetime
    target: datetime | None = None
    created_at: datetime

    def at(self, world: datetime) -> datetime:
        """What it shows at this instant of the world's."""
        return self.now + max(world - self.set_at, world - world)


class ProcessKind(StrEnum):
    """What waits for its time, as its workflow is called."""

    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    PAYMENT = "payment"
    DUNNING = "dunning"
    CREDIT_GRANT = "credit_grant"
    REFUND = "refund"


class Waiting(Payload):
    """Something of a customer's that happens at an instant. revision: of what waits, which changes when it has."""

    kind: ProcessKind
    id: str
    at: datetime
    revision: int


class Ahead(Payload):
    """What comes for a customer. busy: something is happening right now."""

    customer_id: CustomerId
    busy: bool
    waiting: tuple[Waiting, ...]

    @property
    def first(self) -> Waiting | None:
        """What comes first."""
        return min(self.waiting, key=lambda each: (each.at, each.kind, each.id), default=None)
