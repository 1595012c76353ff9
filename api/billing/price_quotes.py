"""`/v1/billing/price-quotes`: what a quantity costs under a charge model, before it is put into a plan."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field

from api.envelope import Answer, ok
from api.principals import may
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.errors import UsageMissing
from domain.billing.permissions import QUOTE_PRICES
from domain.billing.prices import Amount, Percentage, Price, Quantity
from domain.billing.rating import RatedLine, Usage, rate, true_up
from domain.kernel.money import Money, exponent
from domain.kernel.payload import Body, Payload
from domain.security.model import Principal

router = APIRouter(prefix="/v1/billing/price-quotes", tags=["billing"], route_class=KeyedRoute)

MOST_TRANSACTIONS = 1_000


def _known(currency: str) -> str:
    exponent(currency)
    return currency


class QuoteBody(Body):
    """A price, and what is used of it: a quantity, or for a percentage the amounts of transactions in their order."""

    price: Price = Field(
        examples=[
            {
                "model": "graduated",
                "tiers": [{"upTo": "1000", "unitPrice": "0.10"}, {"unitPrice": "0.05", "flatFee": "5.00"}],
            }
        ]
    )
    currency: Annotated[str, AfterValidator(_known)] = Field(
        min_length=3, max_length=3, description="ISO 4217.", examples=["EUR"]
    )
    quantity: Quantity | None = Field(default=None, description="In the unit of what is counted.", examples=["1500"])
    transactions: tuple[Amount, ...] | None = Field(
        default=None, max_length=MOST_TRANSACTIONS, description="For a percentage, instead of a quantity."
    )
    commitment_minor: int = Field(
        default=0,
        ge=0,
        lt=10**15,
        strict=True,
        description="The least that was agreed on, in minor units; what is missing to it is added.",
        examples=[15_000],
    )


class Quote(Payload):
    """What it costs, how that was reckoned, and what is missing to the commitment."""

    line: RatedLine
    true_up: Money
    total: Money


@router.post("", response_model=Answer[Quote], responses=problems(UsageMissing))
async def quote_price(body: QuoteBody, _: Annotated[Principal, may(QUOTE_PRICES)]) -> Answer[Quote]:
    """What this usage costs; nothing is kept. The line is rounded once, half up, and its steps sum to it."""
    line = rate(body.price, _usage(body), body.currency)
    missing = true_up(line.amount, line.amount.of(minor=body.commitment_minor))
    return ok(Quote(line=line, true_up=missing, total=line.amount + missing))


def _usage(body: QuoteBody) -> Usage:
    if isinstance(body.price, Percentage):
        if body.transactions is None:
            raise UsageMissing(model=body.price.model, missing="transactions")
        return Usage.of(body.transactions)
    if body.quantity is None:
        raise UsageMissing(model=body.price.model, missing="quantity")
    return Usage(body.quantity)
