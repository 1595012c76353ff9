"""Lines that callers ask for by themselves, on invoices and with the next one of a subscription."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import Field

from domain.billing.metering_model import Code
from domain.billing.one_off import WantedLine
from domain.billing.plan_model import Label, TaxCategory
from domain.billing.prices import Amount, Quantity
from domain.kernel.instants import Instant
from domain.kernel.payload import Body


class LineBody(Body):
    """An item of the catalogue, or something with a name and a price of its own."""

    item: Code | None = Field(default=None, description="GET /v1/billing/items lists them.", examples=["training"])
    name: Label | None = Field(default=None, description="The item's, if left out.", examples=["On-site training"])
    unit_price: Amount | None = Field(
        default=None, description="In the customer's currency; for what is no item.", examples=["1200.00"]
    )
    quantity: Annotated[Quantity, Field(gt=0)] = Field(default=Decimal(1), examples=["2"])
    tax_category: TaxCategory | None = Field(default=None, description="The item's, or `standard`, if left out.")
    period_start: Instant | None = Field(
        default=None,
        description="The time that it is for, over which it is earned; at once, if left out.",
        examples=["2027-01-01T00:00:00Z"],
    )
    period_end: Instant | None = Field(default=None, description="Exclusive.", examples=["2027-02-01T00:00:00Z"])


LineBodies: TypeAlias = Annotated[
    tuple[LineBody, ...], Field(min_length=1, max_length=200, examples=[[{"item": "training", "quantity": "2"}]])
]


class LinesBody(Body):
    """What is charged."""

    lines: LineBodies


def wanted_lines(lines: LineBodies) -> list[WantedLine]:
    """What the body asks for."""
    return [
        WantedLine(
            item=each.item,
            name=each.name,
            unit_price=each.unit_price,
            quantity=each.quantity,
            tax_category=each.tax_category,
            start=each.period_start,
            end=each.period_end,
        )
        for each in lines
    ]
