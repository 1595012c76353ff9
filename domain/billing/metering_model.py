"""Meters: what is counted of the usage that customers' systems report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from domain.kernel.payload import Body

Code = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=63),
    Field(description="A name of your own: small letters, digits, `.`, `_` and `-`."),
]
Property = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=63),
    Field(description="A property of an event's `data`.", examples=["bytes"]),
]


class Aggregation(StrEnum):
    """How many events become one quantity.

    sum, max and latest are of the property's numbers; unique counts its distinct values; weighted_sum adds up changes
    of a level (seats, gigabytes) and weighs each level with the share of the period in which it held.
    """

    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    UNIQUE = "unique"
    LATEST = "latest"
    WEIGHTED_SUM = "weighted_sum"


class MeterTerms(Body):
    """What a meter counts. It never changes: what was billed by it must stay true."""

    name: str = Field(min_length=1, max_length=200, examples=["Storage traffic"])
    event_type: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+$",
        max_length=200,
        description="The CloudEvents `type` of the events that count.",
        examples=["storage.transferred"],
    )
    aggregation: Aggregation = Field(examples=["sum"])
    property: Property | None = Field(
        default=None, description="What of an event's `data` counts; only `count` does without."
    )
    unit: str = Field(min_length=1, max_length=50, description="What one of it is.", examples=["byte"])

    @model_validator(mode="after")
    def _has_what_it_counts(self) -> MeterTerms:
        if (self.property is None) is not (self.aggregation is Aggregation.COUNT):
            raise ValueError("every aggregation but count needs a property, and count takes none")
        return self


class Meter(MeterTerms):
    """A meter of the tenant's."""

    code: Code
    created_at: datetime
