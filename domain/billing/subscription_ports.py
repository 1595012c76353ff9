"""What billing asks of the database about subscriptions, their lines and usage, and test clocks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from domain.billing.clock_model import Ahead, SimulatedClock
from domain.billing.entitlement_model import Entitled
from domain.billing.ids import (
    ClockId,
    CreditNoteId,
    CustomerId,
    InvoiceId,
    SubscriptionId,
)
from domain.billing.invoice_model import InvoiceLine
from domain.billing.metering_model import Meter
from domain.billing.subscription_model import (
    Accrual,
    ClosedPeriod,
    Counted,
    Happening,
    Line,
    Subscription,
    SubscriptionRevision,
    SubscriptionStatus,
)
from domain.billing.usage_model import Span, UsageEvent
from domain.kernel.pagination import Page


class Subscriptions(Protocol):
    """Customers' subscriptions, with their history."""

    async def hold(self, subscription_id: SubscriptionId) -> Subscription:
        """The subscription, which nobody else changes until the transaction ends. Raises SubscriptionNotFound."""
        ...

    async def get(self, subscription_id: SubscriptionId) -> Subscription:
        """Raises SubscriptionNotFound."""
        ...

    async def entitling(self, customer: CustomerId) -> list[Subscription]:
        """The customer's that run, trials with them, oldest first."""
        ...

    async def awaiting_method(self, customer: CustomerId) -> list[SubscriptionId]:
        """The customer's that wait for a payment method since their trial."""
        ...

    async def put(self, subscription: Subscription, step: Happening | None, revision: SubscriptionRevision) -> None:
        """Insert or replace, and add to its history; `step` is what happens to it next."""
        ...

    async def revisions(
        self, subscription_id: SubscriptionId, *, cursor: str | None, limit: int
    ) -> Page[SubscriptionRevision]:
        """Newest first."""
        ...

    async def page(
        self, customer: CustomerId | None, status: SubscriptionStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Subscription]:
        """Newest first."""
        ...


class Lines(Protocol):
    """What customers were charged and credited."""

    async def add(self, lines: Sequence[Line]) -> None:
        """Insert; a key that a subscription has already is an error."""
        ...

    async def page(self, subscription_id: SubscriptionId, *, cursor: str | None, limit: int) -> Page[Line]:
        """Newest first."""
        ...

    async def uninvoiced(self, subscription_id: SubscriptionId) -> list[Line]:
        """Those that are on no invoice yet, and on no credit note."""
        ...

    async def of_invoice(self, invoice_id: InvoiceId) -> list[Line]:
        """Those that an invoice is for."""
        ...

    async def invoice(self, lines: Sequence[Line], invoice_id: InvoiceId) -> None:
        """They are on this invoice."""
        ...

    async def discount(self, lines: Sequence[Line], told: Sequence[InvoiceLine]) -> None:
        """What an invoice takes off these lines, which tells them in its own order."""
        ...

    async def share_off(self, subscription_id: SubscriptionId, credit: Accrual) -> Fraction:
        """Which share was taken off the charge that this credit gives back a part of."""
        ...

    async def credit(self, lines: Sequence[Line], note_id: CreditNoteId) -> None:
        """They are given back by this credit note, and wait for no invoice."""
        ...

    async def release(self, invoice_id: InvoiceId) -> None:
        """What was on a draft waits for the next invoice."""
        ...


class UsageLog(Protocol):
    """What customers' systems have reported, and the periods that were charged for it."""

    async def record(self, events: Sequence[UsageEvent], now: datetime) -> int:
        """Keep those that are new; how many. Raises UsageConflict if one is there with another content."""
        ...

    async def void(self, source: str, id_: str, reason: str, now: datetime) -> None:
        """It counts no more. Raises UsageNotFound."""
        ...

    async def unknown_subjects(self, subjects: Collection[str]) -> list[str]:
        """Those that are no customer's."""
        ...

    async def first_crossed(self, entitled: Entitled, percent: int, now: datetime) -> bool:
        """Whether usage had not been known to reach this share in this period; it is now."""
        ...

    async def count(
        self,
        meter: Meter,
        filters: Mapping[str, Sequence[str]],
        group_by: Sequence[str],
        subjects: Sequence[str],
        span: Span,
        *,
        one_by_one: bool,
    ) -> list[Counted]:
        """What the meter counts in this time, for each group; without groups there is always one.

        one_by_one: the amounts of transactions as well.
        """
        ...

    async def close(self, period: ClosedPeriod) -> None:
        """Insert or replace."""
        ...

    async def to_look_at(
        self, subscription_id: SubscriptionId, subjects: Sequence[str], since: datetime
    ) -> list[ClosedPeriod]:
        """Periods that ended after `since`: the last, and those for which something came after they were closed."""
        ...


class Clocks(Protocol):
    """Test clocks."""

    async def put(self, clock: SimulatedClock) -> None:
        """Insert or replace."""
        ...

    async def find(self, clock_id: ClockId) -> SimulatedClock | None:
        """The clock, if there is one."""
        ...

    async def hold(self, clock_id: ClockId) -> SimulatedClock:
        """The clock, which nobody else changes until the transaction ends. Raises ClockNotFound."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[SimulatedClock]:
        """Newest first."""
        ...

    async def now_of(self, customer_id: CustomerId, world: datetime) -> datetime:
        """What the customer's clock shows at this instant of the world's; that instant if it has none."""
        ...

    async def latest(self, subjects: Collection[str], world: datetime) -> datetime:
        """What the clock shows that is farthest ahead, of the customers that are called so."""
        ...

    async def customers(self, clock_id: ClockId) -> list[CustomerId]:
        """Whose time it is."""
        ...

    async def ahead(self, customer_id: CustomerId) -> Ahead:
        """What comes for a customer."""
        ...
