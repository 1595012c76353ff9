"""What billing can be asked to do about a customer's subscription."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.billing.ids import CustomerId, SubscriptionId
from domain.billing.periods import BillingTime
from domain.billing.prices import Price
from domain.billing.progress import BooksProgress, Followed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plan or add-on that somebody wants. version None: the one in force, or the one that is there already."""

    code: str
    version: int | None = None
    quantity: int = 1
    overrides: dict[str, Price] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A subscription to begin. trial_days None: as long as the plan says."""

    customer_id: CustomerId
    plan: Wanted
    add_ons: tuple[Wanted, ...]
    billing_time: BillingTime
    starts_at: datetime | None
    trial_days: int | None
    coupon: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a subscription is to become; None is as it is.

    later: when the period ends; None is now, unless it gets cheaper. effective_at: that instant instead of now.
    anchor: what periods are counted from, beginning with one that ends there.
    """

    plan: str | None = None
    version: int | None = None
    quantity: int | None = None
    add_ons: tuple[Wanted, ...] | None = None
    overrides: dict[str, Price] | None = None
    later: bool | None = None
    effective_at: datetime | None = None
    anchor: datetime | None = None


class FollowSubscription(Followed):
    """See to it that what happens to a subscription by itself happens when it is due."""

    subscription_id: SubscriptionId


class AdvanceSubscription(FollowSubscription):
    """Let everything happen that is due by now: the now of the process, which may be simulated."""

    now: datetime


class SubscriptionProgress(BooksProgress):
    """Where its process stands."""

    plan_code: str = ""
    period_start: datetime | None = None
    period_end: datetime | None = None
