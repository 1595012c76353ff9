"""What coupons take off the lines of an invoice.

Coupons apply one after the other, each to what those before have left. A percentage is rounded once, half up, on the
sum of the lines that it is for; an amount is shared among them by largest remainder. A credit for something that was
charged with a discount is less by the same share, so that nobody gets back more than was paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TypeAlias

from domain.billing.coupon_model import LineDiscount, PercentOff, Redemption
from domain.billing.subscription_model import Accrual, LineKind
from domain.kernel.money import Money, Rounding

Products: TypeAlias = Mapping[tuple[str | None, int | None, str], str | None]
"""The product of each plan's version (with its charge) and of each item, as far as they have one."""

Discounts: TypeAlias = dict[str, tuple[LineDiscount, ...]]
"""What is taken off, by the line's key."""


def discounts(
    lines: Sequence[Accrual], redeemed: Sequence[Redemption], products: Products, earlier: Mapping[str, Fraction]
) -> Discounts:
    """For each line off which anything is taken.

    earlier: which share was taken off the charges that credits among these lines are for, by the credit's key, where
    that charge is not among the lines itself.
    """
    charges = [line for line in lines if line.amount.minor > 0]
    left = {line.key: line.amount.minor for line in charges}
    found: dict[str, list[LineDiscount]] = {}
    for each in redeemed:
        eligible = [line for line in charges if left[line.key] and _is_for(each, line, products)]
        for line, minor in zip(eligible, _taken(each, [left[line.key] for line in eligible], lines), strict=True):
            if minor:
                left[line.key] -= minor
                found.setdefault(line.key, []).append(_discount(each, line.amount.of(minor=minor)))
    for credit in (line for line in lines if line.amount.minor < 0):
        charge = charge_of(credit, charges)
        share = earlier.get(credit.key, Fraction(0)) if charge is None else _share_off(charge, left)
        less = credit.amount.times(share, Rounding.HALF_UP)
        if less:
            found[credit.key] = [LineDiscount(redemption_id=None, coupon="", name="", amount=less)]
    return {key: tuple(each) for key, each in found.items()}


def charge_of(credit: Accrual, charges: Sequence[Accrual]) -> Accrual | None:
    """What the credit gives back a part of, if it is among these: the last of the same charge up to the same end."""
    same = [charge for charge in charges if charge.amount.minor > 0 and _gives_back(credit, charge)]
    return max(same, key=lambda charge: charge.period_start, default=None)


def _gives_back(credit: Accrual, charge: Accrual) -> bool:
    same = ("plan_code", "plan_version", "charge_code", "group", "period_end")
    alike = all(getattr(credit, name) == getattr(charge, name) for name in same)
    return alike and charge.period_start <= credit.period_start


def _share_off(charge: Accrual, left: Mapping[str, int]) -> Fraction:
    return 1 - Fraction(left[charge.key], charge.amount.minor)


def _is_for(redemption: Redemption, line: Accrual, products: Products) -> bool:
    if line.kind is LineKind.PREPAID:
        return False
    if not redemption.plans and not redemption.products:
        return True
    product = products.get((line.plan_code, line.plan_version, "" if line.plan_code else line.charge_code))
    return line.plan_code in redemption.plans or (product is not None and product in redemption.products)


def _taken(redemption: Redemption, minors: Sequence[int], lines: Sequence[Accrual]) -> list[int]:
    if not minors:
        return []
    currency, terms = lines[0].amount.currency, redemption.discount
    if isinstance(terms, PercentOff):
        sums = [_part(each, terms.percent, currency) for each in accumulate(minors, initial=0)]
        return [after - before for before, after in pairwise(sums)]
    most = terms.amounts.get(currency)
    if most is None:
        return [0] * len(minors)
    off = min(Money.nearest(most, currency).minor, sum(minors))
    return [part.minor for part in Money(minor=off, currency=currency).allocate(minors)]


def _part(minor: int, percent: Decimal, currency: str) -> int:
    return Money(minor=minor, currency=currency).times(percent / 100, Rounding.HALF_UP).minor


def _discount(redemption: Redemption, amount: Money) -> LineDiscount:
    return LineDiscount(redemption_id=redemption.id, coupon=redemption.coupon, name=redemption.name, amount=amount)
