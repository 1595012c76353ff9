"""Subscriptions without a database: plans on which one begins, and what steps have charged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.billing import lifecycle
from domain.billing.customer_model import Customer
from domain.billing.ids import CustomerId, SubscriptionId
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.periods import BillingTime
from domain.billing.plan_model import PlanTerms
from domain.billing.stepping import Outcome
from domain.billing.subscription_model import Accrual, Item, Subscription, SubscriptionStatus

BEGIN = datetime(2026, 1, 31, 11, 0, tzinfo=UTC)


def recurring(code: str, amount: str, *, timing: str = "advance", per_seat: bool = False) -> dict[str, Any]:
    price = {"model": "per_unit", "unitPrice": amount} if per_seat else {"model": "flat", "amount": amount}
    return {
        "kind": "recurring",
        "code": code,
        "name": code,
        "timing": timing,
        "perSeat": per_seat,
        "prices": {"EUR": price},
    }


def once(amount: str) -> dict[str, Any]:
    return {"kind": "once", "code": "setup", "name": "Set-up", "prices": {"EUR": {"model": "flat", "amount": amount}}}


def plan(*charges: dict[str, Any], **more: Any) -> PlanTerms:
    return PlanTerms.model_validate({"name": "A plan", "interval": "month", "charges": list(charges), **more})


def item(code: str, quantity: int = 1) -> Item:
    return Item(plan_code=code, plan_version=1, quantity=quantity)


def begun_on(
    terms: dict[tuple[str, int], PlanTerms],
    *items: Item,
    billing_time: BillingTime = BillingTime.ANNIVERSARY,
    trial: timedelta = timedelta(),
    timezone: str = "Europe/Berlin",
) -> Outcome:
    """The same on terms of one's own."""
    first = terms[items[0].plan_code, 1]
    sub = Subscription(
        id=SubscriptionId("sub_01h455vb4pex5vsknk084sn02q"),
        customer_id=CustomerId("cus_01h455vb4pex5vsknk084sn02q"),
        status=SubscriptionStatus.SCHEDULED,
        currency="EUR",
        timezone=timezone,
        billing_time=billing_time,
        interval=first.interval,
        interval_count=first.interval_count,
        proration=first.proration,
        items=items,
        started_at=BEGIN,
        trial_end=BEGIN + trial if trial else None,
        anchor=BEGIN,
        period_start=BEGIN,
        period_end=BEGIN,
        created_at=BEGIN,
    )
    return lifecycle.begin(sub, terms)


def terms_of(proration: str) -> dict[tuple[str, int], PlanTerms]:
    """Two plans by the month, one by the year, and an add-on."""
    return {
        ("basic", 1): plan(recurring("base", "10.00"), once("5.00"), proration=proration),
        ("pro", 1): plan(
            recurring("base", "49.99"),
            recurring("seats", "7.77", per_seat=True),
            recurring("support", "31.00", timing="arrears"),
            once("99.00"),
            proration=proration,
            minimum={"EUR": "100.00"},
        ),
        ("yearly", 1): plan(recurring("base", "500.00"), proration=proration, interval="year"),
        ("backup", 1): plan(recurring("store", "3.33", per_seat=True), once("1.00"), proration=proration),
    }


def begun(
    *items: Item,
    proration: str = "second",
    billing_time: BillingTime = BillingTime.ANNIVERSARY,
    trial: timedelta = timedelta(),
    timezone: str = "Europe/Berlin",
) -> tuple[Outcome, dict[tuple[str, int], PlanTerms]]:
    """A subscription that has just begun."""
    terms = terms_of(proration)
    return begun_on(terms, *items, billing_time=billing_time, trial=trial, timezone=timezone), terms


def amounts(accruals: Sequence[Accrual]) -> list[tuple[str, int]]:
    return [(each.charge_code, each.amount.minor) for each in accruals]


def total(accruals: Sequence[Accrual]) -> int:
    return sum(each.amount.minor for each in accruals)


def entity(country: str = "DE", *, inclusive: bool = False) -> LegalEntity:
    return LegalEntity.model_validate(
        {
            "code": "de",
            "name": "Initrode",
            "country": country,
            "numberPrefix": "X",
            "pricesIncludeTax": inclusive,
            "taxes": [{"country": "DE", "name": "USt.", "percent": "19"}],
            "revision": 1,
            "createdAt": BEGIN,
            "updatedAt": BEGIN,
        }
    )


def customer(country: str | None, tax_id: str | None = None) -> Customer:
    return Customer(
        id=CustomerId("cus_01h455vb4pex5vsknk084sn02q"),
        external_id=None,
        name="Initech",
        email="pay@initech.example",
        currency="EUR",
        timezone="UTC",
        country=country,
        tax_id=tax_id,
        revision=1,
        created_at=BEGIN,
        updated_at=BEGIN,
    )
