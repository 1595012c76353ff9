"""Coupons: what lessens invoices, by how much, for how many of them, and for what."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AwareDatetime, Field, StrictBool, model_validator

from domain.billing.ids import CustomerId, RedemptionId, SubscriptionId
from domain.billing.metering_model import Code
from domain.billing.plan_model import Currency, Label
from domain.billing.prices import Amount
from domain.kernel.money import Money
from domain.kernel.payload import Body, Payload


class PercentOff(Body):
    """A part of each line that it is for."""

    kind: Literal["percent"] = "percent"
    percent: Annotated[Decimal, Field(gt=0, le=100, max_digits=7, decimal_places=4)] = Field(examples=["20"])


class AmountOff(Body):
    """An amount for each invoice, shared among the lines that it is for; never more than they come to."""

    kind: Literal["amount"] = "amount"
    amounts: dict[Currency, Annotated[Amount, Field(gt=0)]] = Field(
        min_length=1, description="In major units.", examples=[{"EUR": "25.00"}]
    )


Discount: TypeAlias = Annotated[PercentOff | AmountOff, Field(discriminator="kind")]


class CouponDuration(StrEnum):
    """For how many invoices that it lessens."""

    ONCE = "once"
    REPEATING = "repeating"
    FOREVER = "forever"


class CouponTerms(Body):
    """What whoever redeems a coupon gets; a change is for those who redeem it later."""

    name: Label = Field(description="What invoices call it.", examples=["Welcome"])
    discount: Discount = Field(examples=[{"kind": "percent", "percent": "20"}])
    duration: CouponDuration = Field(default=CouponDuration.ONCE)
    invoices: Annotated[int, Field(ge=1, le=1_000, strict=True)] | None = Field(
        default=None, description="How many, of a repeating one.", examples=[3]
    )
    plans: Annotated[tuple[Code, ...], Field(max_length=100)] = Field(
        default=(), description="Only what is charged for these plans and add-ons.", examples=[["pro"]]
    )
    products: Annotated[tuple[Code, ...], Field(max_length=100)] = Field(
        default=(),
        description="Only what is charged for plans and items of these products.",
        examples=[["harbour-map"]],
    )
    redeem_by: AwareDatetime | None = Field(default=None, examples=["2027-12-31T23:59:59Z"])
    most_redemptions: Annotated[int, Field(ge=1, strict=True)] | None = Field(
        default=None, description="By all customers together.", examples=[100]
    )
    is_active: StrictBool = Field(default=True, description="Whether it can be redeemed.")

    @model_validator(mode="after")
    def _repeats(self) -> CouponTerms:
        if (self.invoices is None) is (self.duration is CouponDuration.REPEATING):
            raise ValueError("a repeating coupon says for how many invoices, and no other does")
        return self

    @property
    def invoices_at_first(self) -> int | None:
        """For so many invoices; None is for ever."""
        return 1 if self.duration is CouponDuration.ONCE else self.invoices


class Coupon(CouponTerms):
    """One of the tenant's."""

    code: Code
    revision: int
    created_at: datetime
    updated_at: datetime


class Redemption(Payload):
    """A coupon that a customer has redeemed, as it was then.

    subscription_id: whose invoices it lessens; None: all of the customer's. invoices_left: None is for ever.
    """

    id: RedemptionId
    coupon: str
    customer_id: CustomerId
    subscription_id: SubscriptionId | None
    name: str
    discount: Discount
    plans: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    invoices_left: int | None
    redeemed_at: datetime
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it lessens nothing any more."""
        return self.ended_at is not None


class LineDiscount(Payload):
    """What is taken off a line.

    redemption_id None: a credit gives back what was paid, so it is less by the share that its charge was. amount: of
    the line's currency, with its sign.
    """

    redemption_id: RedemptionId | None
    coupon: str
    name: str
    amount: Money
