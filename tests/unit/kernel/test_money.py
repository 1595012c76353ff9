"""Money: an algebra over whole minor units."""

import operator
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.money import CurrencyMismatchError, Money, Rounding, exponent

relaxed = settings(deadline=None)

EXPONENTS = {"JPY": 0, "EUR": 2, "BHD": 3, "CLF": 4}
minors = st.integers(min_value=-(10**30), max_value=10**30)
currencies = st.sampled_from(sorted(EXPONENTS))
monies = st.builds(Money, minor=minors, currency=currencies)
fractions = st.fractions(min_value=-1000, max_value=1000, max_denominator=10_000)
weights = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=12).filter(any)


def euros(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def half_to(tie: Callable[[Fraction], int]) -> Callable[[Fraction], int]:
    """Round to the nearest whole number, and a tie as told."""

    def nearest(exact: Fraction) -> int:
        below, rest = floor(exact), exact - floor(exact)
        return tie(exact) if rest == Fraction(1, 2) else below + (rest > Fraction(1, 2))

    return nearest


def away_from_zero(exact: Fraction) -> int:
    return ceil(exact) if exact > 0 else floor(exact)


def towards_zero(exact: Fraction) -> int:
    return floor(exact) if exact > 0 else ceil(exact)


REFERENCES: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.HALF_UP: half_to(away_from_zero),
    Rounding.HALF_DOWN: half_to(towards_zero),
    Rounding.HALF_EVEN: half_to(lambda exact: 2 * round(exact / 2)),
    Rounding.UP: away_from_zero,
    Rounding.DOWN: towards_zero,
    Rounding.CEILING: ceil,
    Rounding.FLOOR: floor,
}


class TestAdd:
    @relaxed
    @given(minors, minors)
    def test_in_either_order_makes_the_same_sum(self, one: int, other: int) -> None:
        assert euros(one) + euros(other) == euros(other) + euros(one)

    @relaxed
    @given(minors, minors, minors)
    def test_in_any_grouping_makes_the_same_sum(self, a: int, b: int, c: int) -> None:
        assert (euros(a) + euros(b)) + euros(c) == euros(a) + (euros(b) + euros(c))

    @relaxed
    @given(monies)
    def test_the_negative_leaves_nothing(self, money: Money) -> None:
        assert not money + -money
        assert money.of(minor=0) == money - money

    @relaxed
    @given(monies)
    def test_negating_twice_changes_nothing(self, money: Money) -> None:
        negative = -money

        assert money == -negative

    @relaxed
    @given(monies, st.integers(min_value=0, max_value=20))
    def test_again_and_again_is_multiplying(self, money: Money, times: int) -> None:
        assert sum([money] * times, start=money.of(minor=0)) == money * times == times * money

    @pytest.mark.parametrize("mix", [operator.add, operator.sub, operator.lt, operator.ge], ids=["+", "-", "<", ">="])
    def test_two_currencies_never_mix(self, mix: Callable[[Money, Money], object]) -> None:
        with pytest.raises(CurrencyMismatchError, match="EUR and JPY"):
            mix(euros(1), Money(minor=1, currency="JPY"))

    def test_the_same_number_in_two_currencies_is_not_equal(self) -> None:
        assert euros(1) != Money(minor=1, currency="JPY")


class TestOrder:
    @relaxed
    @given(st.lists(minors, min_size=2))
    def test_is_that_of_the_minor_units(self, amounts: list[int]) -> None:
        in_order = sorted(map(euros, amounts))

        assert sorted(amounts) == [money.minor for money in in_order]
        assert all(smaller <= larger for smaller, larger in pairwise(in_order))


class TestAllocate:
    @relaxed
    @given(monies, weights)
    def test_loses_and_invents_nothing(self, whole: Money, shares: list[int]) -> None:
        assert whole == sum(whole.allocate(shares), start=whole.of(minor=0))

    @relaxed
    @given(monies, weights)
    def test_gives_everyone_their_exact_share_within_one_minor_unit(self, whole: Money, shares: list[int]) -> None:
        parts = whole.allocate(shares)

        exact = [Fraction(whole.minor * share, sum(shares)) for share in shares]
        assert all(abs(part.minor - share) < 1 for part, share in zip(parts, exact, strict=True))

    @relaxed
    @given(monies, st.integers(min_value=1, max_value=50))
    def test_favours_the_earlier_of_equals(self, whole: Money, ways: int) -> None:
        parts = [part.minor for part in whole.allocate([1] * ways)]

        assert sorted(parts, reverse=True) == parts

    @relaxed
    @given(monies, weights)
    def test_gives_nothing_for_no_weight(self, whole: Money, shares: list[int]) -> None:
        parts = whole.allocate(shares)

        assert not any(part for part, share in zip(parts, shares, strict=True) if share == 0)

    @relaxed
    @given(monies, weights, st.integers(min_value=1, max_value=1000))
    def test_depends_on_proportions_only(self, whole: Money, shares: list[int], scale: int) -> None:
        assert whole.allocate(shares) == whole.allocate([share * scale for share in shares])

    def test_gives_the_odd_cent_to_the_largest_remainder(self) -> None:
        assert [euros(17), euros(83)] == euros(100).allocate([1, 5])
        assert [euros(34), euros(33), euros(33)] == euros(100).allocate([1, 1, 1])

    @pytest.mark.parametrize("shares", [[], [0], [0, 0], [1, -1], [2, -1]], ids=str)
    def test_refuses_weights_that_are_no_shares(self, shares: list[int]) -> None:
        with pytest.raises(ValueError, match="weights"):
            euros(100).allocate(shares)


class TestTimes:
    @relaxed
    @given(monies, fractions, st.sampled_from(Rounding))
    @example(euros(5), Fraction(1, 2), Rounding.HALF_EVEN)
    @example(euros(-5), Fraction(1, 2), Rounding.HALF_UP)
    @example(euros(-5), Fraction(1, 2), Rounding.HALF_DOWN)
    def test_rounds_the_exact_product(self, money: Money, factor: Fraction, rounding: Rounding) -> None:
        assert REFERENCES[rounding](money.minor * factor) == money.times(factor, rounding).minor

    @relaxed
    @given(st.integers(min_value=-(10**40), max_value=10**40), st.sampled_from(Rounding))
    def test_rounds_exact_halves_by_its_rule(self, odd_halves: int, rounding: Rounding) -> None:
        halved = euros(2 * odd_halves + 1).times(Fraction(1, 2), rounding)

        assert REFERENCES[rounding](Fraction(2 * odd_halves + 1, 2)) == halved.minor

    @relaxed
    @given(monies, st.integers(min_value=-1000, max_value=1000), st.sampled_from(Rounding))
    def test_a_whole_number_needs_no_rounding(self, money: Money, factor: int, rounding: Rounding) -> None:
        assert money * factor == money.times(factor, rounding)

    @relaxed
    @given(monies, st.decimals(min_value=-1000, max_value=1000, places=6), st.sampled_from(Rounding))
    def test_a_decimal_is_taken_as_exact(self, money: Money, factor: Decimal, rounding: Rounding) -> None:
        assert money.times(Fraction(factor), rounding) == money.times(factor, rounding)


class TestParse:
    @relaxed
    @given(monies)
    def test_reads_what_was_written(self, money: Money) -> None:
        amount, currency = str(money).split()

        assert money == Money.parse(amount, currency)
        assert money.amount == Decimal(amount)

    @relaxed
    @given(monies)
    def test_the_wire_carries_it_unchanged(self, money: Money) -> None:
        assert money == Money.model_validate_json(money.model_dump_json())

    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [
            ("1234", "JPY", 1234),
            ("19.99", "EUR", 1999),
            ("0.001", "BHD", 1),
            ("-1.0001", "CLF", -10_001),
            ("5", "EUR", 500),
        ],
        ids=["no minor unit", "cents", "mills", "four digits", "no decimals"],
    )
    def test_counts_minor_units(self, amount: str, currency: str, minor: int) -> None:
        assert Money(minor=minor, currency=currency) == Money.parse(amount, currency)

    @relaxed
    @given(minors, currencies, st.integers(min_value=1, max_value=6), st.integers(min_value=1, max_value=9))
    def test_refuses_what_is_finer_than_a_minor_unit(self, minor: int, currency: str, more: int, digit: int) -> None:
        finer = Decimal(f"{minor}{'0' * (more - 1)}{digit}E-{exponent(currency) + more}")

        with pytest.raises(ValueError, match="finer than a minor unit"):
            Money.parse(f"{finer:f}", currency)

    @pytest.mark.parametrize(("currency", "digits"), EXPONENTS.items(), ids=EXPONENTS)
    def test_knows_the_exponent_of_iso_4217(self, currency: str, digits: int) -> None:
        assert digits == exponent(currency)

    @pytest.mark.parametrize("currency", ["XAU", "XXX", "eur", "", "EURO", "ABC"], ids=repr)
    def test_refuses_what_is_no_currency_with_a_minor_unit(self, currency: str) -> None:
        with pytest.raises(ValidationError, match="not an ISO 4217 currency"):
            Money(minor=1, currency=currency)

    @relaxed
    @given(st.text(max_size=8))
    def test_refuses_what_is_no_amount(self, amount: str) -> None:
        with suppress(ArithmeticError):
            assume(not Decimal(amount).is_finite())
        with pytest.raises((ValueError, ArithmeticError)):
            Money.parse(amount, "EUR")
