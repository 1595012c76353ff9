"""What the steps of a subscription's life are made of: what begins to count, what ceases to, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.billing.accrual import Instant, committed, entering, leaving, missing
from domain.billing.events import SubscriptionChange
from domain.billing.periods import BillingTime, Periods
from domain.billing.plan_model import PlanTerms, UsageCharge
from domain.billing.subscription_model import (
    Accrual,
    ClosedPeriod,
    Item,
    LineKind,
    Subscription,
    SubscriptionStatus,
    Terms,
)
from domain.billing.usage import NOTHING, Metered, adjusting, closing, metered_since, reopened


class Outcome(NamedTuple):
    """What a step has made of a subscription, what it charged, which change it was, and periods that have closed.

    turned: a period has begun or ended, so that it is time for an invoice.
    """

    subscription: Subscription
    accruals: tuple[Accrual, ...]
    change: SubscriptionChange
    at: datetime
    closed: tuple[ClosedPeriod, ...] = ()
    turned: bool = False


class Step:
    """A subscription on its way from one state to the next."""

    def __init__(self, sub: Subscription, terms: Terms, at: datetime, metered: Metered = NOTHING) -> None:
        self._sub, self._terms, self._at, self._metered = sub, terms, at, metered
        self._revision = sub.revision + 1
        self._accruals: list[Accrual] = []
        self._closed: list[ClosedPeriod] = []
        self._turned = False

    def put(self, **changes: object) -> None:
        """It is otherwise."""
        self._sub = self._sub.model_copy(update=changes)

    def leave(self, items: Iterable[Item]) -> None:
        """These cease to count."""
        for item in items:
            terms = self._terms[item.plan_code, item.plan_version]
            self._add(leaving(self._now, item, terms))
            self.put(committed=self._sub.committed + committed(self._now, item, terms))

    def enter(self, items: Sequence[Item], before: Sequence[Item] = (), *, advance: bool) -> None:
        """These are its items now; those that were not there before begin to count, but for usage that goes on."""
        entered = list[Item]()
        for item in items:
            if item in before:
                entered.append(item)
                continue
            terms = self._terms[item.plan_code, item.plan_version]
            goes_on = next((each for each in before if each.meters_as(item)), None)
            since = metered_since(goes_on, self._sub) if goes_on else self._at
            entered.append(item.model_copy(update={"since": self._at, "metered_since": since}))
            self._add(entering(self._now, entered[-1], terms, advance=advance, once=False))
            self.put(metered=self._sub.metered or any(terms.of_kind(UsageCharge)))
        self.put(items=tuple(entered))

    def end_usage(self, items: Iterable[Item]) -> None:
        """What these have used is charged, and counts no more."""
        for item in items:
            terms = self._terms[item.plan_code, item.plan_version]
            accruals, windows = closing(self._now, item, terms, self._metered)
            self._add(accruals)
            self.put(windows=(*self._sub.windows, *windows))

    def charge_once(self, owned: set[str]) -> None:
        """What comes once, for plans and add-ons that it did not have before."""
        for item in self._sub.items:
            if item.plan_code not in owned:
                terms = self._terms[item.plan_code, item.plan_version]
                self._add(entering(self._now, item, terms, advance=False, once=True))

    def activate(self, items: tuple[Item, ...] | None = None, *, once: bool, anchor: datetime | None = None) -> None:
        """Its periods are counted from here, or from the anchor, which ends the first of them."""
        items = items or self._sub.items
        plan = self._terms[items[0].plan_code, items[0].plan_version]
        self.put(status=SubscriptionStatus.ACTIVE, **rhythm_of(plan))
        if anchor is not None:
            self.put(billing_time=BillingTime.ANNIVERSARY)
        elif self._sub.billing_time is BillingTime.CALENDAR:
            anchor = Periods.on_calendar(self._at, plan.interval, plan.interval_count, self._sub.timezone).anchor
        self.put(anchor=anchor or self._at)
        self.begin_period(items, advance=True)
        if once:
            self.charge_once(set())

    def begin_period(self, items: Sequence[Item], *, advance: bool) -> None:
        """The period that runs here begins for it."""
        self._turned = True
        period = self._sub.periods.around(self._at)
        self.put(period_start=self._at, period_end=period.end, accrued=0, committed=0)
        self.enter(items, advance=advance)

    def end_period(self) -> None:
        """Nothing counts any more in the period that ran, and usage that came late for those before is charged."""
        sub, self._turned = self._sub, True
        late, windows = reopened(self._now, sub.windows, self._metered.earlier, self._terms, "running")
        self._add(late)
        self.put(windows=tuple(windows))
        self.leave(sub.items)
        self.end_usage(sub.items)
        if self._sub.windows:
            self._closed.append(
                ClosedPeriod(
                    subscription_id=sub.id,
                    revision=self._revision,
                    period_start=sub.period_start,
                    period_end=self._at,
                    accrued=self._sub.accrued,
                    committed=self._sub.committed,
                    windows=self._sub.windows,
                )
            )
        self._add(missing(self._now))
        self.put(windows=())
        self.adjust()

    def adjust(self) -> None:
        """Usage that came late for periods that have ended; it belongs to them."""
        for period, accruals in adjusting(self._now, self._terms, self._metered):
            self._closed.append(period)
            self._accruals += accruals

    def taken(self, change: SubscriptionChange) -> Outcome:
        """What has become of it."""
        self.put(revision=self._revision)
        return Outcome(self._sub, tuple(self._accruals), change, self._at, tuple(self._closed), turned=self._turned)

    @property
    def _now(self) -> Instant:
        return Instant(self._sub, self._at, self._revision)

    def _add(self, accruals: Iterable[Accrual]) -> None:
        added = list(accruals)
        self._accruals += added
        counts = sum(each.amount.minor for each in added if each.kind is not LineKind.ONCE)
        self.put(accrued=self._sub.accrued + counts)


def rhythm_of(plan: PlanTerms) -> dict[str, object]:
    """How a subscription to it is billed."""
    return {"interval": plan.interval, "interval_count": plan.interval_count, "proration": plan.proration}
