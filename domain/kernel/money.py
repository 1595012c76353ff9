"""Money as an integer of minor units in an ISO 4217 currency, with exact sharing and named rounding."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    localcontext,
)
from enum import StrEnum
from fractions import Fraction
from functools import total_ordering

from iso4217 import Currency as _IsoCurrency
from pydantic import field_validator

from domain.kernel.payload import Payload

_EXPONENTS = {entry.code: entry.exponent for entry in _IsoCurrency if entry.exponent is not None}


class Rounding(StrEnum):
    """How a fraction of a minor unit becomes a whole one; the names are those of IEEE 754 and `decimal`."""

    HALF_UP = ROUND_HALF_UP
    HALF_DOWN = ROUND_HALF_DOWN
    HALF_EVEN = ROUND_HALF_EVEN
    UP = ROUND_UP
    DOWN = ROUND_DOWN
    CEILING = ROUND_CEILING
    FLOOR = ROUND_FLOOR


class CurrencyMismatchError(ValueError):
    """Two currencies met where one was meant; convert first, then add."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} do not mix: convert one of them first")


def exponent(currency: str) -> int:
    """Digits after the decimal point (ISO 4217 "minor unit"): JPY 0, EUR 2, BHD 3, CLF 4.

    Raises ValueError for a code that ISO 4217 does not list or that has no minor unit (XAU, XXX).
    """
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency with a minor unit") from None


@total_ordering
class Money(Payload):
    """An amount in minor units: `Money(minor=1999, currency="EUR")` is 19.99 EUR. May be negative."""

    minor: int
    currency: str

    @field_validator("currency")
    @classmethod
    def _known(cls, currency: str) -> str:
        exponent(currency)
        return currency

    @classmethod
    def parse(cls, amount: str, currency: str) -> Money:
        """Read a decimal amount of major units: `Money.parse("19.99", "EUR")`.

        Raises ValueError if it has more digits than the currency has minor units: nothing is rounded silently.
        """
        with localcontext() as exact:
            exact.prec = 60
            minor = Decimal(amount).scaleb(exponent(currency))
            if minor != minor.to_integral_value():
                raise ValueError(f"{amount} {currency} is finer than a minor unit")
            return cls(minor=int(minor), currency=currency)

    @classmethod
    def nearest(cls, amount: Decimal | Fraction, currency: str, rounding: Rounding = Rounding.HALF_UP) -> Money:
        """The amount of major units to the minor unit. Raises ValueError for a currency that has none."""
        return cls(minor=_round(Fraction(amount) * 10 ** exponent(currency), rounding), currency=currency)

    def of(self, *, minor: int) -> Money:
        """Another amount in the same currency."""
        return Money(minor=minor, currency=self.currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact: 1999 EUR minor units are Decimal('19.99')."""
        return Decimal(f"{self.minor}E-{exponent(self.currency)}")

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Money:
        return self.of(minor=self.minor + self._same(other).minor)

    def __sub__(self, other: Money) -> Money:
        return self.of(minor=self.minor - self._same(other).minor)

    def __neg__(self) -> Money:
        return self.of(minor=-self.minor)

    def __mul__(self, times: int) -> Money:
        return self.of(minor=self.minor * times)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def times(self, factor: Fraction | Decimal | int, rounding: Rounding = Rounding.HALF_EVEN) -> Money:
        """This amount times an exact factor, rounded to whole minor units by a rule with a name."""
        return self.of(minor=_round(Fraction(self.minor) * Fraction(factor), rounding))

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Share this amount by weight, by the method of largest remainder (Hamilton), losing nothing.

        The parts sum to the whole exactly, each is within one minor unit of its exact share, and ties go to
        the earlier part. Raises ValueError if a weight is negative or all are zero.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must not be negative, and one must be positive")
        shares = [divmod(self.minor * weight, total) for weight in weights]
        left_over = self.minor - sum(share for share, _ in shares)
        by_remainder = sorted(range(len(weights)), key=lambda part: -shares[part][1])
        lucky = set(by_remainder[:left_over])
        return [self.of(minor=share + (part in lucky)) for part, (share, _) in enumerate(shares)]

    def _same(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise CurrencyMismatchError(self.currency, other.currency)
        return other


def _round(exact: Fraction, rounding: Rounding) -> int:
    whole, rest = divmod(exact.numerator, exact.denominator)
    if rest == 0:
        return whole
    # Decimal rounds a short stand-in that lies on the same side of the half as the exact value.
    half = Fraction(rest, exact.denominator) - Fraction(1, 2)
    stand_in = Decimal("0.5") if half == 0 else Decimal("0.25") if half < 0 else Decimal("0.75")
    with localcontext() as exact_context:
        exact_context.prec = len(str(whole)) + 4
        return int((Decimal(whole) + stand_in).to_integral_value(rounding=rounding.value))
