"""What a quantity costs: checked unit by unit, and by a second engine."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.billing.prices import Flat, Graduated, Package, Percentage, PerUnit, Price, Tier, Volume
from domain.billing.rating import StepKind, Usage, rate, true_up
from domain.kernel.money import Money, Rounding, exponent
from domain.kernel.payload import Body

PRICES: TypeAdapter[Price] = TypeAdapter(Price)
PriceKind = TypeVar("PriceKind", bound=Body)
currencies = st.sampled_from(["EUR", "JPY", "BHD", "CLF"])
amounts = st.integers(0, 10**9).map(lambda millionths: Decimal(millionths).scaleb(-6))
quantities = st.integers(0, 10**7).map(lambda thousandths: Decimal(thousandths).scaleb(-3))
ends = st.lists(st.integers(1, 10_000), max_size=5, unique=True).map(sorted)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """A few tiers, the last without an end."""
    return tuple(
        Tier(up_to=None if end is None else Decimal(end), unit_price=draw(amounts), flat_fee=draw(amounts))
        for end in [*draw(ends), None]
    )


def made(kind: type[PriceKind], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[PriceKind]:
    """Prices of this kind; pydantic's signatures speak camelCase, and `st.builds` would fill those names in."""
    return st.fixed_dictionaries(fields).map(kind.model_validate)


tiered = st.one_of(made(Graduated, tiers=tiers()), made(Volume, tiers=tiers()))
of_a_quantity = st.one_of(
    tiered,
    made(Flat, amount=amounts),
    made(PerUnit, unit_price=amounts, free_units=quantities),
    made(Package, package_size=quantities.filter(bool), package_price=amounts, free_units=quantities),
)
percentages = made(
    Percentage,
    rate=st.integers(0, 10_000).map(lambda basis_points: Decimal(basis_points).scaleb(-2)),
    fixed_fee=amounts,
    free_transactions=st.integers(0, 5),
    free_amount=amounts,
    minimum=st.none() | st.integers(0, 50).map(Decimal),
    maximum=st.none() | st.integers(50, 5_000).map(Decimal),
)


def cost(price: Price, quantity: str | int, currency: str = "EUR") -> str:
    """What it costs, as people read it."""
    return str(rate(price, Usage(Decimal(quantity)), currency).amount)


def rounded(exact: Fraction, currency: str) -> Money:
    """Half up, away from the code under test."""
    minor = exact * 10 ** exponent(currency)
    return Money(minor=(2 * minor.numerator + minor.denominator) // (2 * minor.denominator), currency=currency)


def unit_by_unit(price: Price, units: int) -> Fraction:
    """One unit after the other, as a child would."""
    total, packages_begun = Fraction(0), 0
    match price:
        case Flat():
            return Fraction(price.amount)
        case Volume():
            [tier, *_] = [tier for tier in price.tiers if tier.up_to is None or units <= tier.up_to]
            return sum((Fraction(tier.unit_price) for _ in range(units)), Fraction(tier.flat_fee if units else 0))
    entered: set[int] = set()
    for unit in range(1, units + 1):
        match price:
            case PerUnit():
                behind = min(max(unit - Fraction(price.free_units), Fraction(0)), Fraction(1))
                total += Fraction(price.unit_price) * behind
            case Graduated():
                number, tier = next(
                    (number, tier)
                    for number, tier in enumerate(price.tiers)
                    if tier.up_to is None or unit <= tier.up_to
                )
                total += Fraction(tier.unit_price) + (Fraction(tier.flat_fee) if number not in entered else 0)
                entered.add(number)
            case Package():
                while unit > price.free_units and unit - price.free_units > packages_begun * price.package_size:
                    total, packages_begun = total + Fraction(price.package_price), packages_begun + 1
    return total


TIERED = """
WITH tiers AS (
    SELECT unnest(range(1, len($ends) + 2)) AS number, unnest(list_prepend(0::BIGINT, $ends)) AS below,
           unnest(list_append($ends, 9000000000000000::BIGINT)) AS up_to,
           unnest($prices::BIGINT[]) AS price, unnest($fees::BIGINT[]) AS fee
)
SELECT coalesce(sum(CASE WHEN $volume THEN if($quantity > below AND $quantity <= up_to, $quantity, 0)
                         ELSE greatest(least($quantity, up_to) - below, 0) END::HUGEINT * price
                    + if($quantity > below AND (NOT $volume OR $quantity <= up_to), fee::HUGEINT * 1000, 0)), 0)
FROM tiers
"""
"""In billionths of a major unit: quantities in thousandths, prices in millionths."""

PERCENTAGE = """
WITH numbered AS (SELECT unnest($amounts::BIGINT[]) AS amount, unnest(range(len($amounts))) AS number),
counted AS (
    SELECT *, coalesce(sum(amount) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW), 0) AS before
    FROM numbered WHERE number >= $free_transactions
),
parts AS (SELECT amount - least(amount, greatest($free_amount - before, 0)) AS part FROM counted),
borne AS (SELECT $fixed::HUGEINT * 10000 + part::HUGEINT * $rate AS fee FROM parts WHERE part > 0)
SELECT coalesce(sum(least(greatest(fee, $minimum::HUGEINT * 10000), $maximum::HUGEINT * 10000)), 0) FROM borne
"""
"""In ten thousandths of a millionth of a major unit: amounts in millionths, the rate in basis points."""


def scaled(values: Sequence[Decimal], digits: int) -> list[int]:
    return [int(value.scaleb(digits)) for value in values]


class TestRate:
    @pytest.mark.parametrize(
        ("price", "quantity", "expected"),
        [
            (Flat(amount=Decimal(49)), 0, "49.00 EUR"),
            (PerUnit(unit_price=Decimal("0.0004"), free_units=Decimal(1000)), 13_500, "5.00 EUR"),
            (PerUnit(unit_price=Decimal("0.005")), 1, "0.01 EUR"),
            (Package(package_size=Decimal(100), package_price=Decimal(9), free_units=Decimal(100)), 201, "18.00 EUR"),
            (Package(package_size=Decimal(100), package_price=Decimal(9)), 0, "0.00 EUR"),
        ],
        ids=["flat for nothing", "free units first", "half a cent is one", "a package begun", "no package"],
    )
    def test_is_what_the_model_says(self, price: Price, quantity: int, expected: str) -> None:
        assert expected == cost(price, quantity)

    def test_graduated_and_volume_part_at_the_end_of_a_tier(self) -> None:
        steps = (Tier(up_to=Decimal(10), unit_price=Decimal(5)), Tier(unit_price=Decimal(4), flat_fee=Decimal(1)))
        graduated, volume = Graduated(tiers=steps), Volume(tiers=steps)

        assert ["50.00 EUR", "55.00 EUR"] == [cost(graduated, 10), cost(graduated, 11)]
        assert ["50.00 EUR", "45.00 EUR"] == [cost(volume, 10), cost(volume, 11)]
        assert ["0.00 EUR", "0.00 EUR"] == [cost(graduated, 0), cost(volume, 0)]

    def test_of_transactions_takes_the_free_ones_first_and_keeps_each_between_its_limits(self) -> None:
        price = Percentage(
            rate=Decimal(2),
            fixed_fee=Decimal("0.10"),
            free_transactions=1,
            free_amount=Decimal(50),
            minimum=Decimal("0.50"),
            maximum=Decimal(10),
        )

        line = rate(price, Usage.of([Decimal(1000), Decimal(40), Decimal(20), Decimal(100), Decimal(900)]), "EUR")

        # Free; in the free amount; 10 of 20 bear 0.30, raised to 0.50; 100 bear 2.10; 900 bear 18.10, lowered to 10.
        assert "12.60 EUR" == str(line.amount)
        assert {
            StepKind.FREE: "0.00 EUR",
            StepKind.RATE: "20.20 EUR",
            StepKind.FIXED_FEE: "0.30 EUR",
            StepKind.RAISED_TO_MINIMUM: "0.20 EUR",
            StepKind.LOWERED_TO_MAXIMUM: "-8.10 EUR",
        } == {step.kind: str(step.amount) for step in line.steps}

    def test_refuses_a_percentage_of_no_transactions(self) -> None:
        with pytest.raises(ValueError, match="give the transactions' amounts"):
            rate(Percentage(rate=Decimal(1)), Usage(Decimal(100)), "EUR")

    @given(of_a_quantity, st.integers(0, 400), currencies)
    def test_is_what_units_one_by_one_cost(self, price: Price, units: int, currency: str) -> None:
        assert rounded(unit_by_unit(price, units), currency) == rate(price, Usage(Decimal(units)), currency).amount

    @given(
        st.one_of(of_a_quantity, percentages), st.lists(quantities, max_size=8), currencies, st.sampled_from(Rounding)
    )
    def test_loses_and_invents_no_minor_unit_among_its_steps(
        self, price: Price, amounts: list[Decimal], currency: str, rounding: Rounding
    ) -> None:
        line = rate(price, Usage.of(amounts), currency, rounding=rounding)

        assert line.amount.minor == sum(step.amount.minor for step in line.steps)
        assert line.amount.minor >= 0

    @given(st.one_of(of_a_quantity, percentages))
    def test_reads_back_what_it_wrote(self, price: Price) -> None:
        assert price == PRICES.validate_json(PRICES.dump_json(price))


class TestTwoEngines:
    @given(tiered, quantities, currencies)
    def test_duckdb_says_the_same_of_tiers(self, price: Graduated | Volume, quantity: Decimal, currency: str) -> None:
        with duckdb.connect() as session:
            [billionths] = session.execute(
                TIERED,
                {
                    "ends": scaled([tier.up_to for tier in price.tiers if tier.up_to is not None], 3),
                    "prices": scaled([tier.unit_price for tier in price.tiers], 6),
                    "fees": scaled([tier.flat_fee for tier in price.tiers], 6),
                    "quantity": int(quantity.scaleb(3)),
                    "volume": isinstance(price, Volume),
                },
            ).fetchall()[0]

        assert rounded(Fraction(billionths, 10**9), currency) == rate(price, Usage(quantity), currency).amount

    @given(percentages, st.lists(amounts, max_size=12), currencies)
    def test_duckdb_says_the_same_of_percentages(
        self, price: Percentage, transactions: list[Decimal], currency: str
    ) -> None:
        unlimited = Decimal(10**12)
        with duckdb.connect() as session:
            [parts] = session.execute(
                PERCENTAGE,
                {
                    "amounts": scaled(transactions, 6),
                    "free_transactions": price.free_transactions,
                    "free_amount": int(price.free_amount.scaleb(6)),
                    "fixed": int(price.fixed_fee.scaleb(6)),
                    "rate": int(price.rate.scaleb(2)),
                    "minimum": int((price.minimum or Decimal(0)).scaleb(6)),
                    "maximum": int((unlimited if price.maximum is None else price.maximum).scaleb(6)),
                },
            ).fetchall()[0]

        assert rounded(Fraction(parts, 10**10), currency) == rate(price, Usage.of(transactions), currency).amount


class TestPrices:
    @pytest.mark.parametrize(
        ("written", "reason"),
        [
            ({"model": "graduated", "tiers": []}, "at least 1"),
            ({"model": "graduated", "tiers": [{"upTo": "10"}]}, "every quantity has a price"),
            ({"model": "volume", "tiers": [{"upTo": "10"}, {"upTo": "10"}, {}]}, "greater than the one before"),
            ({"model": "volume", "tiers": [{}, {"upTo": "10"}, {}]}, "greater than the one before"),
            ({"model": "volume", "tiers": [{}, {}]}, "only the last tier"),
            ({"model": "per_unit", "unitPrice": "-1"}, "greater than or equal to 0"),
            ({"model": "per_unit", "unitPrice": "0.0000000000001"}, "decimal places"),
            ({"model": "per_unit", "unitPrice": "NaN"}, "finite"),
            ({"model": "per_unit", "unitPrice": "1", "discount": "1"}, "Extra inputs"),
            ({"model": "package", "packageSize": "0", "packagePrice": "1"}, "greater than 0"),
            ({"model": "percentage", "rate": "1", "minimum": "2", "maximum": "1"}, "must not be greater"),
            ({"model": "matrix"}, "does not match any of the expected tags"),
        ],
        ids=lambda value: value if isinstance(value, str) else value["model"],
    )
    def test_refuses_half_a_price(self, written: dict[str, object], reason: str) -> None:
        with pytest.raises(ValidationError, match=reason):
            PRICES.validate_python(written)


class TestTrueUp:
    @given(st.integers(-(10**9), 10**9), st.integers(0, 10**9))
    def test_leads_to_the_commitment_and_never_gives_back(self, charged: int, commitment: int) -> None:
        missing = true_up(Money(minor=charged, currency="EUR"), Money(minor=commitment, currency="EUR"))

        assert max(charged, commitment) == charged + missing.minor
