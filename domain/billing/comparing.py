"""What a subscription costs a period, and whether other items would cost more."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from domain.billing.accrual import recurring_price
from domain.billing.events import SubscriptionChange
from domain.billing.periods import Interval
from domain.billing.subscription_model import Item, Subscription, Terms
from domain.kernel.money import Money

_PER_YEAR = {Interval.DAY: 365, Interval.WEEK: 52, Interval.MONTH: 12, Interval.YEAR: 1}


def price_of_period(items: Iterable[Item], terms: Terms, currency: str) -> Money:
    """What a whole period costs, before usage."""
    prices = (recurring_price(item, terms[item.plan_code, item.plan_version], currency) for item in items)
    return sum(prices, Money(minor=0, currency=currency))


def classified(sub: Subscription, items: tuple[Item, ...], terms: Terms) -> SubscriptionChange:
    """What a change to these items is: dearer or cheaper by the year, or only another number of seats."""
    if [item.model_copy(update={"quantity": 1}) for item in _bare(sub.items)] == [
        item.model_copy(update={"quantity": 1}) for item in _bare(items)
    ]:
        return SubscriptionChange.QUANTITY_CHANGED
    before, after = (_per_year(each, terms, sub.currency) for each in (sub.items, items))
    if after > before:
        return SubscriptionChange.UPGRADED
    return SubscriptionChange.DOWNGRADED if after < before else SubscriptionChange.EXCHANGED


def is_cheaper(sub: Subscription, items: tuple[Item, ...], terms: Terms) -> bool:
    """Whether the customer would pay less by the year, usage aside."""
    return _per_year(items, terms, sub.currency) < _per_year(sub.items, terms, sub.currency)


def _bare(items: Iterable[Item]) -> list[Item]:
    return [item.bare for item in items]


def _per_year(items: Iterable[Item], terms: Terms, currency: str) -> Fraction:
    items = tuple(items)
    plan = terms[items[0].plan_code, items[0].plan_version]
    periods = Fraction(_PER_YEAR[plan.interval], plan.interval_count)
    return price_of_period(items, terms, currency).minor * periods
