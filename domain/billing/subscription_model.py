"""Subscriptions: who has bought what, since when, and what happens to it next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from pydantic import Field

from domain.billing.events import SubscriptionChange
from domain.billing.ids import CreditNoteId, CustomerId, InvoiceId, LineId, SubscriptionId
from domain.billing.periods import BillingTime, Interval, Period, Periods
from domain.billing.plan_model import STANDARD, PlanTerms
from domain.billing.prices import Price
from domain.billing.proration import Proration
from domain.billing.rating import RatingStep
from domain.kernel.money import Money
from domain.kernel.payload import Payload

Terms: TypeAlias = Mapping[tuple[str, int], PlanTerms]
"""The terms of plans' versions, by code and version."""


class SubscriptionStatus(StrEnum):
    """Where a subscription stands."""

    SCHEDULED = "scheduled"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAUSED = "paused"
    CANCELED = "canceled"


class HappeningName(StrEnum):
    """What happens to a subscription by itself."""

    CANCEL = "cancel"
    BEGIN = "begin"
    REMIND_OF_TRIAL_END = "remind of the trial's end"
    END_TRIAL = "end the trial"
    RESUME = "resume"
    RENEW = "renew"
    SETTLE = "charge late usage"


class Happening(Payload):
    """The next of them, when, and why."""

    name: HappeningName
    at: datetime
    why: str


class Item(Payload):
    """A version of a plan or add-on that is part of a subscription.

    quantity: of what is priced per seat. overrides: prices that this customer has instead of the plan's, by charge.
    since, metered_since: from when on the running period is reckoned for it, and its usage.
    """

    plan_code: str
    plan_version: int
    quantity: int = 1
    overrides: dict[str, Price] = Field(default_factory=dict)
    since: datetime | None = None
    metered_since: datetime | None = None

    @property
    def bare(self) -> Item:
        """The same, with nothing reckoned for it yet."""
        return self.model_copy(update={"since": None, "metered_since": None})

    def same_as(self, other: Item) -> bool:
        """Whether it costs the same."""
        return self.bare == other.bare

    def meters_as(self, other: Item) -> bool:
        """Whether its usage costs the same, so that what was used before goes on to count."""
        return self.bare.model_copy(update={"quantity": 1}) == other.bare.model_copy(update={"quantity": 1})


class Counted(Payload):
    """What a meter has counted for one group; of a percentage, the amounts one by one."""

    group: dict[str, str] = Field(default_factory=dict)
    quantity: Decimal
    transactions: tuple[Decimal, ...] | None = None


class Window(Payload):
    """A time for which usage was charged, and what was counted then: what comes late is the difference."""

    item: Item
    charge_code: str
    start: datetime
    end: datetime
    counts: tuple[Counted, ...]


class PendingChange(Payload):
    """What a subscription becomes when its period ends."""

    items: tuple[Item, ...]
    asked_at: datetime


class Subscription(Payload):
    """One customer's subscription: a plan, and add-ons that go with it.

    items: the plan first. period_start, period_end: what runs now, half-open, in UTC; of a trial, the trial. anchor:
    what periods are counted from. accrued, committed: what the running period comes to so far, and the least it was
    agreed to come to, in minor units. windows: those of the running period that a change has closed. metered: whether
    it ever had usage to charge. settle_at: when late usage is charged after its end. awaits_method: it is paused since
    its trial, and begins when the customer has a payment method. revision: its number of steps.
    """

    id: SubscriptionId
    customer_id: CustomerId
    status: SubscriptionStatus
    currency: str
    timezone: str
    billing_time: BillingTime
    interval: Interval
    interval_count: int
    proration: Proration
    items: tuple[Item, ...]
    started_at: datetime
    trial_end: datetime | None = None
    trial_reminded: bool = False
    anchor: datetime
    period_start: datetime
    period_end: datetime
    pending: PendingChange | None = None
    cancel_at: datetime | None = None
    cancel_reason: str | None = None
    paused_at: datetime | None = None
    resume_at: datetime | None = None
    canceled_at: datetime | None = None
    accrued: int = 0
    committed: int = 0
    windows: tuple[Window, ...] = ()
    metered: bool = False
    settle_at: datetime | None = None
    awaits_method: bool = False
    revision: int = 0
    created_at: datetime

    @property
    def plan(self) -> Item:
        """The plan; what follows it are add-ons."""
        return self.items[0]

    @property
    def periods(self) -> Periods:
        """How its time is cut."""
        return Periods(self.anchor, self.interval, self.interval_count, self.timezone)

    @property
    def whole(self) -> Period:
        """The period that runs, whole: the first one may have begun before the subscription did."""
        return self.periods.around(self.period_start)

    @property
    def is_over(self) -> bool:
        """Whether nothing happens to it any more by itself."""
        return self.status is SubscriptionStatus.CANCELED and self.settle_at is None


class ClosedPeriod(Payload):
    """A period that has ended, with its windows: what it came to, and the least it was agreed to, in minor units."""

    subscription_id: SubscriptionId
    revision: int
    period_start: datetime
    period_end: datetime
    accrued: int
    committed: int
    windows: tuple[Window, ...]


class LineKind(StrEnum):
    """What a line is for.

    adjustment: usage of a closed period that came, or was voided, later. minimum: what was missing to the least that
    was agreed on. prepaid: credit that is bought.
    """

    RECURRING = "recurring"
    USAGE = "usage"
    ADJUSTMENT = "adjustment"
    ONCE = "once"
    MINIMUM = "minimum"
    PREPAID = "prepaid"


class Accrual(Payload):
    """What a customer is charged (or, negative, credited), and why.

    key: what it is for, once in a subscription. plan_code: None for what was sold by itself. price: what the whole
    period would cost, and `steps` how that is reckoned; share: which part of it this is (of a credit, which part is
    given back), as a fraction such as 17/31.
    """

    key: str
    kind: LineKind
    plan_code: str | None
    plan_version: int | None
    charge_code: str
    name: str
    tax_category: str = STANDARD
    period_start: datetime
    period_end: datetime
    quantity: Decimal
    price: Money
    share: str
    amount: Money
    steps: tuple[RatingStep, ...] = ()
    group: dict[str, str] = Field(default_factory=dict)
    occurred_at: datetime


class Line(Accrual):
    """The same in the books; without an invoice it waits for one. Without a subscription it was invoiced by itself."""

    id: LineId
    subscription_id: SubscriptionId | None
    customer_id: CustomerId
    invoice_id: InvoiceId | None = None
    credit_note_id: CreditNoteId | None = None


class SubscriptionRevision(Payload):
    """What a subscription had become by one of its steps: plan, seats and add-ons have a history."""

    revision: int
    change: SubscriptionChange
    at: datetime
    status: SubscriptionStatus
    items: tuple[Item, ...]
    actor: str
