"""Entitlements: what a plan lets its customers do, up to what limit, and how much of it they have used."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool

from domain.billing.ids import SubscriptionId
from domain.billing.metering_model import Code, Property
from domain.billing.prices import Quantity
from domain.kernel.payload import Body, Payload

_Filter: TypeAlias = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(min_length=1, max_length=100)]


class _Entitlement(Body):
    feature: Code = Field(description="What the tenant's systems call it.", examples=["exports"])


class BooleanEntitlement(_Entitlement):
    """The customer may use the feature."""

    kind: Literal["boolean"] = "boolean"


class LimitEntitlement(_Entitlement):
    """The customer may have so many; those of plan and add-ons add up. Who has how many, the tenant's systems know."""

    kind: Literal["limit"] = "limit"
    limit: Quantity = Field(examples=["10"])
    per_seat: StrictBool = Field(default=False, description="For each of the subscription's quantity.")


class MeteredEntitlement(_Entitlement):
    """The customer may use so much in a period, as a meter counts it; those of plan and add-ons add up."""

    kind: Literal["metered"] = "metered"
    meter: Code = Field(description="GET /v1/billing/meters lists them.", examples=["traffic"])
    filters: dict[Property, _Filter] = Field(
        default_factory=dict, max_length=10, description="Only events whose properties have one of these values."
    )
    included: int = Field(ge=1, le=10**15, strict=True, description="In a period.", examples=[1_000_000])
    per_seat: StrictBool = Field(default=False, description="For each of the subscription's quantity.")
    is_hard: StrictBool = Field(default=False, description="More is refused; otherwise it is overage.")
    thresholds: Annotated[tuple[Annotated[int, Field(ge=1, le=10_000, strict=True)], ...], Field(max_length=20)] = (
        Field(default=(80, 100), description="In per cent of what is included: each is told once in a period.")
    )


Entitlement: TypeAlias = Annotated[
    BooleanEntitlement | LimitEntitlement | MeteredEntitlement, Field(discriminator="kind")
]


class Entitled(Payload):
    """What one subscription lets its customer do.

    limit: of a limit, or what is included in the period; None of what is only allowed or not. used: in the period.
    is_suspended: the subscription is not paid for, and dunning has suspended it: nothing is granted.
    """

    feature: str
    kind: Literal["boolean", "limit", "metered"]
    subscription_id: SubscriptionId
    plan_code: str
    is_suspended: bool
    limit: Decimal | None = None
    is_hard: bool = False
    used: Decimal | None = None
    meter: str | None = None
    unit: str | None = None
    thresholds: tuple[int, ...] = ()
    period_start: datetime
    period_end: datetime

    @property
    def left(self) -> Decimal | None:
        """What may still be used; None where nothing is counted."""
        return None if self.limit is None or self.used is None else self.limit - self.used


class Verdict(StrEnum):
    """Why something is allowed or not."""

    GRANTED = "granted"
    OVERAGE = "overage"
    NOT_INCLUDED = "not_included"
    LIMIT_REACHED = "limit_reached"
    SUSPENDED = "suspended"


class EntitlementCheck(Payload):
    """Whether a customer may."""

    allowed: bool
    verdict: Verdict = Field(description="`overage`: allowed, and above what is included.")
    feature: str
    limit: Decimal | None = None
    used: Decimal | None = None
    remaining: Decimal | None = Field(default=None, description="Below nothing it is overage.")
    resets_at: datetime | None = Field(default=None, description="When the period ends in which usage counts.")
    plans: tuple[str, ...] = Field(default=(), description="If it is not included: plans for sale that include it.")
