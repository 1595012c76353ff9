"""What usage costs: of a window that closes, of one that runs, and of one that was closed before late usage came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from domain.billing.accrual import Instant, price_of
from domain.billing.plan_model import PlanTerms, UsageCharge
from domain.billing.rating import RatedLine, Usage, rate
from domain.billing.subscription_model import (
    Accrual,
    ClosedPeriod,
    Counted,
    Item,
    LineKind,
    Subscription,
    Terms,
    Window,
)
from domain.kernel.money import Money

Counts: TypeAlias = Mapping[tuple[str, str], Sequence[Counted]]
"""What was counted in running windows, by plan and charge."""


@dataclass(frozen=True, slots=True)
class Metered:
    """What meters say at the instant of a step.

    running: of windows that run. earlier: of those of the running period that a change has closed, in their order.
    closed: of periods that have ended and are looked at again, window by window.
    """

    running: Counts = field(default_factory=dict)
    earlier: Sequence[Sequence[Counted]] = ()
    closed: Sequence[tuple[ClosedPeriod, Sequence[Sequence[Counted]]]] = ()


NOTHING = Metered()


def closing(now: Instant, item: Item, terms: PlanTerms, metered: Metered) -> tuple[list[Accrual], list[Window]]:
    """The lines for an item's usage up to this instant, and its windows, which are closed by that."""
    accruals, windows = list[Accrual](), list[Window]()
    start = metered_since(item, now.subscription)
    for charge in terms.of_kind(UsageCharge):
        counts = tuple(metered.running.get((item.plan_code, charge.code), ()))
        window = Window(item=item, charge_code=charge.code, start=start, end=now.at, counts=counts)
        windows.append(window)
        for number, counted in enumerate(counts):
            rated = rated_usage(charge, item, counted, now.subscription.currency)
            if rated.amount or rated.quantity:
                key = f"{now.revision}/{item.plan_code}/{charge.code}/usage/{number}"
                accruals.append(_line(now, window, charge, rated, key, counted.group))
    return accruals, windows


def reopened(
    now: Instant, windows: Sequence[Window], found: Sequence[Sequence[Counted]], terms: Terms, where: str
) -> tuple[list[Accrual], list[Window]]:
    """The differences for windows that are closed, and these with what was counted by now."""
    accruals, looked_at = list[Accrual](), list[Window]()
    for number, (window, counts) in enumerate(zip(windows, found, strict=True)):
        accruals += _differences(now, window, charge_of(terms, window), counts, f"{where}.{number}")
        looked_at.append(window.model_copy(update={"counts": tuple(counts)}))
    return accruals, looked_at


def adjusting(now: Instant, terms: Terms, metered: Metered) -> Iterator[tuple[ClosedPeriod, list[Accrual]]]:
    """The differences for periods that have ended, and these as they are with them.

    A period that was charged up to its minimum is charged as much less for late usage as it still lacked, and the other
    way round.
    """
    for period, counts in metered.closed:
        accruals, windows = reopened(now, period.windows, counts, terms, str(period.revision))
        if accruals:
            accrued = period.accrued + sum(each.amount.minor for each in accruals)
            lacked, lacks = (max(0, period.committed - each) for each in (period.accrued, accrued))
            if lacks != lacked:
                accruals.append(_minimum(now, period, lacks - lacked))
            yield period.model_copy(update={"windows": tuple(windows), "accrued": accrued}), accruals


def metered_since(item: Item, sub: Subscription) -> datetime:
    """From when on an item's usage runs."""
    return item.metered_since or sub.period_start


def rated_usage(charge: UsageCharge, item: Item, counted: Counted, currency: str) -> RatedLine:
    """What this much costs."""
    price = price_of(charge.prices[currency], charge.code, item)
    transactions = counted.transactions
    usage = Usage(counted.quantity) if transactions is None else Usage.of(transactions)
    return rate(price, usage, currency)


def _differences(
    now: Instant, window: Window, charge: UsageCharge, found: Sequence[Counted], where: str
) -> Iterator[Accrual]:
    currency = now.subscription.currency
    nothing = RatedLine(quantity=Decimal(0), amount=Money(minor=0, currency=currency), steps=())
    billed, counted = _by_group(window.counts), _by_group(found)
    for number, group in enumerate({**billed, **counted}):
        before, after = (
            rated_usage(charge, window.item, each[group], currency) if group in each else nothing
            for each in (billed, counted)
        )
        if before.amount == after.amount:
            continue
        key = f"{now.revision}/{window.item.plan_code}/{charge.code}/late/{where}/{number}"
        yield _line(now, window, charge, after, key, dict(group)).model_copy(
            update={
                "kind": LineKind.ADJUSTMENT,
                "quantity": after.quantity - before.quantity,
                "amount": after.amount - before.amount,
            }
        )


def _line(
    now: Instant, window: Window, charge: UsageCharge, rated: RatedLine, key: str, group: dict[str, str]
) -> Accrual:
    return Accrual(
        key=key,
        kind=LineKind.USAGE,
        plan_code=window.item.plan_code,
        plan_version=window.item.plan_version,
        charge_code=charge.code,
        name=charge.name,
        tax_category=charge.tax_category,
        period_start=window.start,
        period_end=window.end,
        quantity=rated.quantity,
        price=rated.amount,
        share="1",
        amount=rated.amount,
        steps=rated.steps,
        group=group,
        occurred_at=now.at,
    )


def _minimum(now: Instant, period: ClosedPeriod, minor: int) -> Accrual:
    amount = Money(minor=minor, currency=now.subscription.currency)
    item = period.windows[0].item
    return Accrual(
        key=f"{now.revision}/minimum/late/{period.revision}",
        kind=LineKind.MINIMUM,
        plan_code=item.plan_code,
        plan_version=item.plan_version,
        charge_code="minimum",
        name="Minimum",
        period_start=period.period_start,
        period_end=period.period_end,
        quantity=Decimal(1),
        price=amount,
        share="1",
        amount=amount,
        occurred_at=now.at,
    )


def charge_of(terms: Terms, window: Window) -> UsageCharge:
    """The charge that a window is for."""
    plan = terms[window.item.plan_code, window.item.plan_version]
    return next(charge for charge in plan.of_kind(UsageCharge) if charge.code == window.charge_code)


def _by_group(counts: Sequence[Counted]) -> dict[tuple[tuple[str, str], ...], Counted]:
    return {tuple(sorted(each.group.items())): each for each in counts}
