"""Plans and add-ons: what a tenant sells to its customers, in versions that are never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator

from domain.billing.entitlement_model import Entitlement
from domain.billing.metering_model import Code, Property
from domain.billing.periods import Interval
from domain.billing.prices import Amount, Flat, Graduated, Package, PerUnit, Price, Volume
from domain.billing.proration import Proration
from domain.kernel.money import exponent
from domain.kernel.payload import Body, Payload

MOST_CHARGES, MOST_FILTERS = 50, 10
ChargeT = TypeVar("ChargeT", bound="_Charge")


def _known(currency: str) -> str:
    exponent(currency)
    return currency


Currency: TypeAlias = Annotated[
    str, Field(min_length=3, max_length=3, description="ISO 4217.", examples=["EUR"]), AfterValidator(_known)
]
Label: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$", min_length=1, max_length=200)
]
TaxCategory: TypeAlias = Annotated[
    Code, Field(description="Which of the legal entity's taxes there is on it; `outside_scope` has none.")
]
STANDARD = "standard"
"""The category of what names none."""

FixedPrice: TypeAlias = Annotated[Flat | PerUnit | Graduated | Volume | Package, Field(discriminator="model")]
"""A price of a quantity that is known beforehand."""


class Timing(StrEnum):
    """Whether a period is charged when it begins or when it has ended."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class TrialEnd(StrEnum):
    """What happens when a trial ends and there is no payment method.

    invoice: the subscription begins, and is invoiced. pause: it begins when there is one. cancel: it ends.
    """

    INVOICE = "invoice"
    PAUSE = "pause"
    CANCEL = "cancel"


class _Charge(Body):
    code: Code = Field(examples=["base"])
    name: Label = Field(description="What invoices call it.", examples=["Base fee"])
    tax_category: TaxCategory = STANDARD


class RecurringCharge(_Charge):
    """Charged for every period, and prorated."""

    kind: Literal["recurring"] = "recurring"
    timing: Timing = Timing.ADVANCE
    per_seat: StrictBool = Field(
        default=False, description="Whether the price is for the subscription's quantity, or for one."
    )
    prices: dict[Currency, FixedPrice] = Field(min_length=1, examples=[{"EUR": {"model": "flat", "amount": "49.00"}}])


class UsageCharge(_Charge):
    """Charged when a period has ended, for what a meter has counted in it."""

    kind: Literal["usage"] = "usage"
    meter: Code = Field(description="GET /v1/billing/meters lists them.", examples=["traffic"])
    filters: dict[Property, Annotated[tuple[Label, ...], Field(min_length=1, max_length=100)]] = Field(
        default_factory=dict,
        max_length=MOST_FILTERS,
        description="Only events whose properties have one of these values.",
        examples=[{"region": ["eu", "us"]}],
    )
    group_by: Annotated[tuple[Property, ...], Field(max_length=5)] = Field(
        default=(), description="A line of its own for each combination of these properties.", examples=[["region"]]
    )
    prices: dict[Currency, Price] = Field(
        min_length=1, examples=[{"EUR": {"model": "per_unit", "unitPrice": "0.10", "freeUnits": "100"}}]
    )


class OnceCharge(_Charge):
    """Charged once, when the subscription begins or gets it added; the price is for its quantity then."""

    kind: Literal["once"] = "once"
    prices: dict[Currency, FixedPrice] = Field(min_length=1, examples=[{"EUR": {"model": "flat", "amount": "99.00"}}])


Charge: TypeAlias = Annotated[RecurringCharge | UsageCharge | OnceCharge, Field(discriminator="kind")]


class PlanTerms(Body):
    """What one version of a plan or add-on costs, and how it is billed."""

    name: Label = Field(examples=["Pro"])
    product: Code | None = Field(
        default=None, description="GET /v1/billing/products lists them.", examples=["harbour-map"]
    )
    interval: Interval = Field(examples=["month"])
    interval_count: int = Field(default=1, ge=1, le=36, strict=True, description="Periods of this many intervals.")
    proration: Proration = Proration.SECOND
    for_sale: StrictBool = Field(default=True, description="Whether new subscriptions can take it.")
    trial_days: int = Field(default=0, ge=0, le=730, strict=True, examples=[14])
    trial_needs_payment_method: StrictBool = Field(
        default=False, description="Whether a trial begins only for customers with a payment method."
    )
    trial_without_payment_method: TrialEnd = Field(
        default=TrialEnd.INVOICE, description="What happens when a trial ends and the customer has none."
    )
    charges: Annotated[tuple[Charge, ...], Field(min_length=1, max_length=MOST_CHARGES)] = Field(
        examples=[
            [
                {
                    "kind": "recurring",
                    "code": "seats",
                    "name": "Seats",
                    "perSeat": True,
                    "prices": {"EUR": {"model": "per_unit", "unitPrice": "12.00"}},
                }
            ]
        ]
    )
    minimum: dict[Currency, Amount] = Field(
        default_factory=dict,
        description="The least that a period's recurring and usage charges come to: what is missing is charged.",
        examples=[{"EUR": "100.00"}],
    )

    entitlements: Annotated[tuple[Entitlement, ...], Field(max_length=100)] = Field(
        default=(),
        description="What customers may do.",
        examples=[
            [
                {"kind": "boolean", "feature": "exports"},
                {"kind": "limit", "feature": "projects", "limit": "10"},
                {"kind": "metered", "feature": "api-calls", "meter": "calls", "included": 10_000, "isHard": True},
            ]
        ],
    )

    @model_validator(mode="after")
    def _fits_together(self) -> PlanTerms:
        twice = [code for code, count in Counter(charge.code for charge in self.charges).items() if count > 1]
        if twice:
            raise ValueError(f"charges need codes of their own; twice: {', '.join(twice)}")
        currencies = {frozenset(charge.prices) for charge in self.charges}
        if len(currencies) > 1:
            raise ValueError("every charge needs a price in the same currencies")
        if not set(self.minimum) <= self.currencies:
            raise ValueError("a minimum is for a currency that the charges have")
        features = Counter(each.feature for each in self.entitlements)
        if any(count > 1 for count in features.values()):
            raise ValueError("each feature is entitled once; add-ons may add to it")
        return self

    @property
    def currencies(self) -> frozenset[str]:
        """What it can be bought in."""
        return frozenset(self.charges[0].prices)

    @property
    def trial(self) -> timedelta:
        """For how long nothing is charged at first."""
        return timedelta(days=self.trial_days)

    def of_kind(self, kind: type[ChargeT]) -> Iterator[ChargeT]:
        """Its charges of one kind."""
        return (charge for charge in self.charges if isinstance(charge, kind))


class PlanVersion(Payload):
    """One version. From `effective_from` on new subscriptions get it; those there are keep theirs."""

    code: Code
    version: int
    is_add_on: bool
    effective_from: datetime
    terms: PlanTerms
    created_at: datetime
