"""What a customer owes when something begins to count for a subscription, and when it ceases to.

What is left of a period's price falls from all of it to nothing (`proration.share_left`), rounded to the minor unit at
each instant. Whoever begins owes what is left then, whoever ceases gets back what is left then; of what is paid
afterwards it is the difference. So whatever happens in between, and however often, what was charged for a part of a
period is the price's fall over that part: nothing is lost to rounding, and no credit exceeds its charge.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from domain.billing.plan_model import Charge, OnceCharge, PlanTerms, RecurringCharge, Timing
from domain.billing.prices import Flat, Percentage, Price
from domain.billing.proration import Proration, share_left
from domain.billing.rating import RatedLine, Usage, rate
from domain.billing.subscription_model import Accrual, Item, LineKind, Subscription
from domain.kernel.money import Money, Rounding


class _Part(NamedTuple):
    """What of a period's price a line is for."""

    amount: Money
    share: Fraction
    start: datetime
    end: datetime


class Instant(NamedTuple):
    """An instant of a subscription's running period, as one of its steps sees it."""

    subscription: Subscription
    at: datetime
    revision: int

    def left(self, at: datetime | None = None) -> Fraction:
        """What is left of the period at this instant (or another), as a share of its price."""
        running = self.subscription
        return share_left(running.whole, at or self.at, running.proration, running.timezone)

    @property
    def end(self) -> datetime:
        """When the period ends."""
        return self.subscription.period_end


def entering(now: Instant, item: Item, terms: PlanTerms, *, advance: bool, once: bool) -> Iterator[Accrual]:
    """What is owed when the item begins to count: its charges in advance, and those that come once, if asked for."""
    for charge in terms.charges:
        if once and isinstance(charge, OnceCharge):
            rated = _rated(charge, item, now)
            yield _accrual(now, item, charge, rated, _Part(rated.amount, Fraction(1), now.at, now.at), "once")
        if advance and isinstance(charge, RecurringCharge) and charge.timing is Timing.ADVANCE:
            rated, share = _rated(charge, item, now), now.left()
            rest = _Part(value(rated.amount, share), share, now.at, now.end)
            yield _accrual(now, item, charge, rated, rest, "begin")


def leaving(now: Instant, item: Item, terms: PlanTerms) -> Iterator[Accrual]:
    """What is owed, or given back, when the item ceases to count."""
    since = item.since or now.subscription.period_start
    for charge in terms.of_kind(RecurringCharge):
        rated = _rated(charge, item, now)
        if charge.timing is Timing.ARREARS:
            owed = value(rated.amount, now.left(since)) - value(rated.amount, now.left())
            if share := now.left(since) - now.left():
                yield _accrual(now, item, charge, rated, _Part(owed, share, since, now.at), "end")
        elif now.subscription.proration is not Proration.NONE and (share := now.left()):
            back = _Part(-value(rated.amount, share), share, now.at, now.end)
            yield _accrual(now, item, charge, rated, back, "rest")


def committed(now: Instant, item: Item, terms: PlanTerms) -> int:
    """The minimum for the time that the item counted, in minor units."""
    least = terms.minimum.get(now.subscription.currency)
    if least is None:
        return 0
    whole = Money.nearest(least, now.subscription.currency)
    since = item.since or now.subscription.period_start
    return (value(whole, now.left(since)) - value(whole, now.left())).minor


def missing(now: Instant) -> Iterator[Accrual]:
    """What the period has not come to, of the least that was agreed on."""
    running = now.subscription
    short = running.committed - running.accrued
    if short > 0:
        amount = Money(minor=short, currency=running.currency)
        yield Accrual(
            key=f"{now.revision}/minimum",
            kind=LineKind.MINIMUM,
            plan_code=running.plan.plan_code,
            plan_version=running.plan.plan_version,
            charge_code="minimum",
            name="Minimum",
            period_start=running.period_start,
            period_end=now.at,
            quantity=Decimal(1),
            price=Money(minor=running.committed, currency=running.currency),
            share="1",
            amount=amount,
            occurred_at=now.at,
        )


def recurring_price(item: Item, terms: PlanTerms, currency: str) -> Money:
    """What a whole period of it costs, before usage."""
    charges = (
        rate(price_of(charge.prices[currency], charge.code, item), _seats(charge, item, currency), currency).amount
        for charge in terms.of_kind(RecurringCharge)
    )
    return sum(charges, Money(minor=0, currency=currency))


def price_of(listed: Price, charge_code: str, item: Item) -> Price:
    """What this customer pays: what was agreed with it, or what the plan says."""
    return item.overrides.get(charge_code, listed)


def fits(price: Price, charge: Charge) -> bool:
    """Whether a charge can have this price: one of transactions is for what the plan prices by transactions."""
    return not isinstance(price, Percentage) or any(isinstance(listed, Percentage) for listed in charge.prices.values())


def value(price: Money, share: Fraction) -> Money:
    """This share of a price, to the minor unit, half up."""
    return price.times(share, Rounding.HALF_UP)


def _rated(charge: RecurringCharge | OnceCharge, item: Item, now: Instant) -> RatedLine:
    currency = now.subscription.currency
    return rate(price_of(charge.prices[currency], charge.code, item), _seats(charge, item, currency), currency)


def _seats(charge: RecurringCharge | OnceCharge, item: Item, currency: str) -> Usage:
    """What comes once is for all seats, unless its price is the same for any number of them."""
    if isinstance(charge, RecurringCharge):
        return Usage(Decimal(item.quantity if charge.per_seat else 1))
    same = isinstance(price_of(charge.prices[currency], charge.code, item), Flat)
    return Usage(Decimal(1 if same else item.quantity))


def _accrual(
    now: Instant, item: Item, charge: RecurringCharge | OnceCharge, rated: RatedLine, part: _Part, what: str
) -> Accrual:
    return Accrual(
        key=f"{now.revision}/{item.plan_code}/{charge.code}/{what}",
        kind=LineKind.ONCE if isinstance(charge, OnceCharge) else LineKind.RECURRING,
        plan_code=item.plan_code,
        plan_version=item.plan_version,
        charge_code=charge.code,
        name=charge.name,
        tax_category=charge.tax_category,
        period_start=part.start,
        period_end=part.end,
        quantity=rated.quantity,
        price=rated.amount,
        share=str(part.share),
        amount=part.amount,
        steps=rated.steps,
        occurred_at=now.at,
    )
