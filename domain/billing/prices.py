"""Charge models: how a price is written down. What a quantity costs under one is in `rating`.

All prices are decimals of major units, as fine as the seller likes: 0.00004 EUR for a request is a price, although
nobody can pay it. Unlike other payloads they refuse a field they do not know: half a price is a wrong price.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from domain.kernel.payload import Body

MOST_TIERS = 100
_MOST, _FINEST = 10**12, 12
_Decimal = Annotated[Decimal, Field(max_digits=24, decimal_places=_FINEST, lt=_MOST)]
Amount: TypeAlias = Annotated[_Decimal, Field(ge=0)]
"""A price in major units: not negative, at most 12 decimal places."""
Quantity: TypeAlias = Annotated[_Decimal, Field(ge=0)]
"""How much was used, in the unit of what is counted: not negative, at most 12 decimal places."""
_SomeQuantity: TypeAlias = Annotated[_Decimal, Field(gt=0)]
NOTHING = Decimal(0)


class Flat(Body):
    """The same for any quantity, also for none."""

    model: Literal["flat"] = "flat"
    amount: Amount = Field(examples=["49.00"])


class PerUnit(Body):
    """One price for every unit behind the free ones."""

    model: Literal["per_unit"] = "per_unit"
    unit_price: Amount = Field(examples=["0.0004"])
    free_units: Quantity = Field(default=NOTHING, description="These cost nothing.", examples=["1000"])


class Tier(Body):
    """Quantities above the tier before and up to this one's end."""

    up_to: _SomeQuantity | None = Field(
        default=None, description="The last quantity in this tier; without it, there is no end.", examples=["1000"]
    )
    unit_price: Amount = Field(default=NOTHING, examples=["0.10"])
    flat_fee: Amount = Field(default=NOTHING, description="Once, if anything is in this tier.", examples=["5.00"])


def _in_order(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    ends = [tier.up_to for tier in tiers]
    if ends[-1] is not None:
        raise ValueError("the last tier must have no upTo, so that every quantity has a price")
    for lower, upper in pairwise(ends[:-1]):
        if lower is None or upper is None or lower >= upper:
            raise ValueError("each tier's upTo must be greater than the one before; only the last tier has none")
    if None in ends[:-1]:
        raise ValueError("only the last tier may be without upTo")
    return tiers


_EXAMPLE = [{"upTo": "1000", "unitPrice": "0.10"}, {"unitPrice": "0.05", "flatFee": "5.00"}]
Tiers: TypeAlias = Annotated[
    tuple[Tier, ...], Field(min_length=1, max_length=MOST_TIERS, examples=[_EXAMPLE]), AfterValidator(_in_order)
]


class Graduated(Body):
    """Each part of the quantity at the price of the tier it falls into."""

    model: Literal["graduated"] = "graduated"
    tiers: Tiers


class Volume(Body):
    """All of the quantity at the price of the tier that its total falls into."""

    model: Literal["volume"] = "volume"
    tiers: Tiers


class Package(Body):
    """Whole packages, the last one begun included."""

    model: Literal["package"] = "package"
    package_size: _SomeQuantity = Field(examples=["100"])
    package_price: Amount = Field(examples=["9.00"])
    free_units: Quantity = Field(default=NOTHING, description="These cost nothing.", examples=["100"])


class Percentage(Body):
    """A part of each transaction's amount, and a fixed fee with it.

    The first free_transactions bear nothing. Of those behind them the first free_amount bears no rate, and a
    transaction that lies in it altogether no fee either. minimum and maximum are for what one transaction bears, if it
    bears anything.
    """

    model: Literal["percentage"] = "percentage"
    rate: Annotated[_Decimal, Field(ge=0, le=100)] = Field(description="Per cent.", examples=["2.9"])
    fixed_fee: Amount = Field(default=NOTHING, description="For each transaction.", examples=["0.30"])
    free_transactions: int = Field(default=0, ge=0, lt=_MOST, strict=True, examples=[10])
    free_amount: Amount = Field(default=NOTHING, examples=["500.00"])
    minimum: Amount | None = Field(default=None, description="For each transaction.", examples=["0.50"])
    maximum: Amount | None = Field(default=None, description="For each transaction.", examples=["20.00"])

    @model_validator(mode="after")
    def _between(self) -> Percentage:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("the minimum for a transaction must not be greater than the maximum")
        return self


Price: TypeAlias = Annotated[Flat | PerUnit | Graduated | Volume | Package | Percentage, Field(discriminator="model")]
"""A charge model with its numbers, in one currency."""
