"""What callers send to `/v1/billing/subscriptions`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.parameters import Line
from domain.billing.ids import CustomerId
from domain.billing.metering_model import Code
from domain.billing.periods import BillingTime
from domain.billing.prices import Price
from domain.billing.subscription_commands import Change, Wanted
from domain.kernel.instants import Instant
from domain.kernel.payload import Body

MOST_SEATS, MOST_ADD_ONS = 10**6, 20

Quantity = Annotated[int, Field(strict=True, ge=1, le=MOST_SEATS, description="Seats.", examples=[25])]
PlanVersionNumber = Annotated[
    int | None, Field(strict=True, ge=1, le=10**6, description="The one in force if not given.", examples=[1])
]
Overrides = Annotated[
    dict[Code, Price],
    Field(
        max_length=50,
        description="Prices for this customer, by the plan's charge, in its currency.",
        examples=[{"seats": {"model": "per_unit", "unitPrice": "9.00"}}],
    ),
]


class AddOnBody(Body):
    """An add-on that goes with the plan."""

    code: Code = Field(examples=["backup"])
    version: PlanVersionNumber = None
    quantity: Quantity = 1
    overrides: Overrides = Field(default_factory=dict)


AddOns = Annotated[tuple[AddOnBody, ...], Field(max_length=MOST_ADD_ONS)]


class SubscriptionBody(Body):
    """Who buys what, and from when on."""

    customer_id: CustomerId = Field(examples=["cus_01h455vb4pex5vsknk084sn02q"])
    plan_code: Code = Field(examples=["pro"])
    plan_version: PlanVersionNumber = None
    quantity: Quantity = 1
    overrides: Overrides = Field(default_factory=dict)
    add_ons: AddOns = ()
    billing_time: BillingTime = Field(
        default=BillingTime.ANNIVERSARY, description="Periods from the start on, or with the calendar."
    )
    starts_at: Instant | None = Field(
        default=None,
        description="Now if not given; up to a year back, which is charged at once, or five years ahead.",
        examples=["2027-01-01T00:00:00Z"],
    )
    trial_days: Annotated[int, Field(strict=True, ge=0, le=730)] | None = Field(
        default=None, description="As the plan has it if not given.", examples=[0]
    )
    coupon: Code | None = Field(
        default=None, description="Redeemed for this subscription, its first invoice included.", examples=["welcome"]
    )


class ChangeBody(Body):
    """What it is to become; what is not given stays."""

    plan_code: Code | None = Field(default=None, examples=["enterprise"])
    plan_version: PlanVersionNumber = None
    quantity: Quantity | None = None
    overrides: Overrides | None = None
    add_ons: AddOns | None = Field(default=None, description="All that it is to have.")
    when: Literal["now", "period_end"] | None = Field(
        default=None, description="If not given: now, unless it gets cheaper, which waits for the period's end."
    )
    effective_at: Instant | None = Field(
        default=None, description="Back to then instead of now, within the running period."
    )
    anchor: Instant | None = Field(
        default=None,
        description="Periods are counted from then on, which is at most one interval ahead; the one until then begins "
        "now. Not with `effectiveAt`, nor when the period ends.",
    )

    @model_validator(mode="after")
    def _is_at_one_time(self) -> Self:
        if self.anchor is not None and (self.when == "period_end" or self.effective_at is not None):
            raise ValueError("anchor begins a period now: leave out effectiveAt, and when, unless it is now")
        return self


class TransferBody(Body):
    """Who is to have it."""

    customer_id: CustomerId = Field(examples=["cus_01h455vb4pex5vsknk084sn02r"])


class TrialExtensionBody(Body):
    """Until when."""

    until: Instant = Field(examples=["2027-01-31T00:00:00Z"])


class PauseBody(Body):
    """Until when, if that is known."""

    resume_at: Instant | None = Field(
        default=None, description="It is resumed by itself then.", examples=["2027-01-31T00:00:00Z"]
    )


class CancellationBody(Body):
    """When, and why."""

    when: Literal["now", "period_end"] = "period_end"
    at: Instant | None = Field(default=None, description="At that instant instead.", examples=["2027-06-30T22:00:00Z"])
    reason: Line = Field(examples=["moved to another vendor"])


def wish_of(body: ChangeBody) -> Change:
    """What the body asks for."""
    return Change(
        plan=body.plan_code,
        version=body.plan_version,
        quantity=body.quantity,
        overrides=body.overrides,
        add_ons=None if body.add_ons is None else wanted(body.add_ons),
        later=None if body.when is None else body.when == "period_end",
        effective_at=body.effective_at,
        anchor=body.anchor,
    )


def wanted(add_ons: AddOns) -> tuple[Wanted, ...]:
    """The add-ons it names."""
    return tuple(Wanted(each.code, each.version, each.quantity, each.overrides) for each in add_ons)
