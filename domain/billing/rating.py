"""What a quantity costs under a charge model, and why: exact, and rounded once at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from domain.billing.prices import Flat, Graduated, Package, Percentage, PerUnit, Price, Tier, Volume
from domain.kernel.money import Money, Rounding, exponent
from domain.kernel.payload import Payload

# Sums that do not fit are an error, not a rounded number.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])


class StepKind(StrEnum):
    """What a step of the reckoning is for."""

    FLAT = "flat"
    FREE = "free"
    UNITS = "units"
    TIER_FEE = "tier_fee"
    PACKAGES = "packages"
    RATE = "rate"
    FIXED_FEE = "fixed_fee"
    RAISED_TO_MINIMUM = "raised_to_minimum"
    LOWERED_TO_MAXIMUM = "lowered_to_maximum"


class RatingStep(Payload):
    """One part of the reckoning.

    quantity: units, packages or transactions of it, or the amount that bears a rate; unit_price: in major units for
    one of them (of a rate: per cent); tier: which one, counted from 1; amount: its share of the line, to the minor
    unit: the shares of all steps sum to the line.
    """

    kind: StepKind
    quantity: Decimal
    unit_price: Decimal
    tier: int | None = None
    amount: Money


class RatedLine(Payload):
    """What it costs, and how that was reckoned."""

    quantity: Decimal
    amount: Money
    steps: tuple[RatingStep, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What is to be rated: a quantity in units, or the amounts of transactions in major units, in their order."""

    quantity: Decimal
    transactions: tuple[Decimal, ...] | None = None

    @classmethod
    def of(cls, transactions: Sequence[Decimal]) -> Usage:
        """Of transactions: the quantity is their sum."""
        with localcontext(_EXACT):
            return cls(sum(transactions, Decimal(0)), tuple(transactions))


@dataclass(frozen=True, slots=True)
class _Step:
    kind: StepKind
    quantity: Decimal
    unit_price: Decimal
    exact: Fraction
    tier: int | None = None


def rate(price: Price, usage: Usage, currency: str, *, rounding: Rounding = Rounding.HALF_UP) -> RatedLine:
    """The line for this usage.

    The exact cost is rounded once, so a line is never more than half a minor unit from it, and is shared among its
    steps by largest remainder, so the steps sum to it. Raises ValueError if a percentage is asked of a quantity
    without transactions.
    """
    with localcontext(_EXACT):
        steps = list(_steps(price, usage))
    minor = 10 ** exponent(currency)
    exact = [step.exact * minor for step in steps]
    whole = Money(minor=1, currency=currency).times(sum(exact, Fraction(0)), rounding)
    shares = _shared(whole.minor, exact)
    return RatedLine(
        quantity=usage.quantity,
        amount=whole,
        steps=tuple(
            RatingStep(
                kind=step.kind,
                quantity=step.quantity,
                unit_price=step.unit_price,
                tier=step.tier,
                amount=whole.of(minor=share),
            )
            for step, share in zip(steps, shares, strict=True)
        ),
    )


def true_up(charged: Money, commitment: Money) -> Money:
    """What is missing from what was charged to the committed minimum; nothing if it was reached.

    Raises CurrencyMismatchError.
    """
    return max(commitment - charged, commitment.of(minor=0))


def _steps(price: Price, usage: Usage) -> Iterator[_Step]:
    match price:
        case Flat():
            yield _times(StepKind.FLAT, Decimal(1), price.amount)
        case PerUnit():
            free = min(usage.quantity, price.free_units)
            yield from _free(free)
            yield from _some(StepKind.UNITS, usage.quantity - free, price.unit_price)
        case Graduated():
            yield from _graduated(price.tiers, usage.quantity)
        case Volume():
            yield from _volume(price.tiers, usage.quantity)
        case Package():
            free = min(usage.quantity, price.free_units)
            yield from _free(free)
            packages = Decimal(ceil(Fraction(usage.quantity - free) / Fraction(price.package_size)))
            yield from _some(StepKind.PACKAGES, packages, price.package_price)
        case Percentage():
            if usage.transactions is None:
                raise ValueError("a percentage is reckoned for each transaction: give the transactions' amounts")
            yield from _percentage(price, usage.transactions)


def _graduated(tiers: Sequence[Tier], quantity: Decimal) -> Iterator[_Step]:
    below = Decimal(0)
    for number, tier in enumerate(tiers, start=1):
        if quantity <= below:
            return
        end = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield from _in_tier(tier, number, end - below)
        below = end


def _volume(tiers: Sequence[Tier], quantity: Decimal) -> Iterator[_Step]:
    for number, tier in enumerate(tiers, start=1):
        if quantity and (tier.up_to is None or quantity <= tier.up_to):
            yield from _in_tier(tier, number, quantity)
            return


def _in_tier(tier: Tier, number: int, quantity: Decimal) -> Iterator[_Step]:
    yield _times(StepKind.UNITS, quantity, tier.unit_price, tier=number)
    if tier.flat_fee:
        yield _times(StepKind.TIER_FEE, Decimal(1), tier.flat_fee, tier=number)


def _percentage(price: Percentage, transactions: Sequence[Decimal]) -> Iterator[_Step]:
    bearing, free_amount = Decimal(0), price.free_amount
    fees, raised, lowered = 0, list[Fraction](), list[Fraction]()
    for number, amount in enumerate(transactions):
        if number < price.free_transactions:
            continue
        part = max(amount - free_amount, Decimal(0))
        free_amount -= amount - part
        if not part:
            continue
        bearing, fees = bearing + part, fees + 1
        borne = Fraction(price.fixed_fee) + Fraction(part) * Fraction(price.rate) / 100
        if price.minimum is not None and borne < price.minimum:
            raised.append(Fraction(price.minimum) - borne)
        if price.maximum is not None and borne > price.maximum:
            lowered.append(Fraction(price.maximum) - borne)
    yield from _free(Decimal(len(transactions) - fees))
    yield from _some(StepKind.RATE, bearing, price.rate, per=100)
    if price.fixed_fee:
        yield from _some(StepKind.FIXED_FEE, Decimal(fees), price.fixed_fee)
    if price.minimum is not None and raised:
        yield _Step(StepKind.RAISED_TO_MINIMUM, Decimal(len(raised)), price.minimum, sum(raised, Fraction(0)))
    if price.maximum is not None and lowered:
        yield _Step(StepKind.LOWERED_TO_MAXIMUM, Decimal(len(lowered)), price.maximum, sum(lowered, Fraction(0)))


def _times(kind: StepKind, quantity: Decimal, unit_price: Decimal, *, tier: int | None = None, per: int = 1) -> _Step:
    return _Step(kind, quantity, unit_price, Fraction(quantity) * Fraction(unit_price) / per, tier)


def _some(kind: StepKind, quantity: Decimal, unit_price: Decimal, *, per: int = 1) -> Iterator[_Step]:
    if quantity:
        yield _times(kind, quantity, unit_price, per=per)


def _free(quantity: Decimal) -> Iterator[_Step]:
    if quantity:
        yield _times(StepKind.FREE, quantity, Decimal(0))


def _shared(whole: int, exact: Sequence[Fraction]) -> list[int]:
    """Whole numbers that sum to `whole`, each within one of its exact share: largest remainder, ties to the earlier."""
    shares = [floor(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda part: shares[part] - exact[part])
    for part in by_remainder[: whole - sum(shares)]:
        shares[part] += 1
    return shares
