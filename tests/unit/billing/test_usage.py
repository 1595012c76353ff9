"""Usage: charged once when its window closes, whatever came when, and made good when it came too late."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from subscribed import BEGIN, amounts, begun_on, item, plan, recurring, total

from domain.billing import lifecycle
from domain.billing.lifecycle import next_step
from domain.billing.plan_model import PlanTerms
from domain.billing.stepping import Outcome
from domain.billing.subscription_model import ClosedPeriod, Counted, HappeningName, LineKind, Subscription
from domain.billing.usage import Metered


def metered(code: str, unit_price: str, free: str = "0", **more: Any) -> dict[str, Any]:
    price = {"model": "per_unit", "unitPrice": unit_price, "freeUnits": free}
    return {"kind": "usage", "code": code, "name": code, "meter": code, "prices": {"EUR": price}, **more}


TERMS = {
    ("metered", 1): plan(recurring("base", "10.00"), metered("calls", "0.01", "1000"), minimum={"EUR": "50.00"}),
    ("dear", 1): plan(metered("calls", "1.00")),
}


def counted(quantity: int, **group: str) -> Counted:
    return Counted(group=group, quantity=Decimal(quantity))


def running(quantity: int, code: str = "metered") -> Metered:
    return Metered(running={(code, "calls"): [counted(quantity)]})


def renewed(sub: Subscription, says: Metered) -> Outcome:
    step = next_step(sub)
    assert step is not None
    assert step.name is HappeningName.RENEW
    return lifecycle.take(sub, step, TERMS, says)


def again(period: ClosedPeriod, quantity: int, now: int) -> Metered:
    return Metered(running={("metered", "calls"): [counted(now)]}, closed=[(period, [[counted(quantity)]])])


@pytest.fixture
def sub() -> Subscription:
    return begun_on(TERMS, item("metered")).subscription


class TestClosing:
    def test_charges_usage_and_counts_it_towards_the_minimum(self, sub: Subscription) -> None:
        outcome = renewed(sub, running(3_500))

        usage = next(each for each in outcome.accruals if each.kind is LineKind.USAGE)
        assert [("calls", 2500), ("minimum", 1500), ("base", 1000)] == amounts(outcome.accruals)
        assert (Decimal(3500), ["free", "units"]) == (usage.quantity, [step.kind.value for step in usage.steps])
        assert (sub.period_start, sub.period_end) == (usage.period_start, usage.period_end)

    def test_of_seats_that_change_does_not_begin_the_free_units_anew(self, sub: Subscription) -> None:
        half = BEGIN + timedelta(days=14)

        changed = lifecycle.change(sub, (item("metered", 5),), TERMS, running(900), at=half)
        outcome = renewed(changed.subscription, running(1_800))

        assert {LineKind.RECURRING} == {each.kind for each in changed.accruals}
        assert ("calls", 800) in amounts(outcome.accruals)

    def test_of_another_plan_charges_each_part_by_its_own_prices(self, sub: Subscription) -> None:
        half = BEGIN + timedelta(days=14)

        changed = lifecycle.change(sub, (item("dear"),), TERMS, running(1_500), at=half)
        outcome = renewed(
            changed.subscription, Metered(running={("dear", "calls"): [counted(7)]}, earlier=[[counted(1_600)]])
        )

        assert [500] == [each.amount.minor for each in changed.accruals if each.kind is LineKind.USAGE]
        late, usage = outcome.accruals[:2]
        # A hundred calls came late for the part that was under the old plan.
        assert [(LineKind.ADJUSTMENT, 100), (LineKind.USAGE, 700)] == [
            (each.kind, each.amount.minor) for each in (late, usage)
        ]
        assert (half, sub.period_end) == (usage.period_start, usage.period_end)

    def test_makes_a_line_of_each_group(self, sub: Subscription) -> None:
        says = Metered(running={("metered", "calls"): [counted(1_100, region="eu"), counted(2_000, region="us")]})

        outcome = renewed(sub, says)

        assert [({"region": "eu"}, 100), ({"region": "us"}, 1000)] == [
            (each.group, each.amount.minor) for each in outcome.accruals if each.kind is LineKind.USAGE
        ]


class TestLateUsage:
    def test_is_charged_with_the_next_period_less_the_minimum_that_it_had_lacked(self, sub: Subscription) -> None:
        first = renewed(sub, running(3_500))

        second = renewed(first.subscription, again(first.closed[0], 4_500, 0))

        late = [each for each in second.accruals if each.period_end == sub.period_end]
        assert [(LineKind.ADJUSTMENT, 1000), (LineKind.MINIMUM, -1000)] == [
            (each.kind, each.amount.minor) for each in late
        ]
        assert Decimal(1000) == late[0].quantity

    def test_that_was_voided_is_credited(self, sub: Subscription) -> None:
        first = renewed(sub, running(9_000))

        second = renewed(first.subscription, again(first.closed[0], 8_000, 0))

        assert ("calls", -1000) in amounts(second.accruals)

    def test_is_made_good_once(self, sub: Subscription) -> None:
        first = renewed(sub, running(9_000))
        second = renewed(first.subscription, again(first.closed[0], 9_500, 0))
        looked_at = next(period for period in second.closed if period.revision == first.closed[0].revision)

        third = renewed(second.subscription, again(looked_at, 9_500, 0))

        assert not [each for each in third.accruals if each.kind is LineKind.ADJUSTMENT]

    def test_is_charged_after_the_end_too(self, sub: Subscription) -> None:
        canceled = lifecycle.cancel(sub, TERMS, "moved away", running(6_000), at=BEGIN + timedelta(days=14))
        step = next_step(canceled.subscription)
        assert step is not None

        settled = lifecycle.take(canceled.subscription, step, TERMS, again(canceled.closed[0], 6_300, 0))

        assert HappeningName.SETTLE is step.name
        assert [("calls", 300)] == amounts(settled.accruals)
        assert settled.subscription.is_over

    @given(st.lists(st.integers(0, 10_000), min_size=2, max_size=8))
    def test_comes_to_what_it_would_have_in_time(self, told: list[int]) -> None:
        """However often a closed period is looked at again, its lines sum to the last word."""
        sub = begun_on(TERMS, item("metered")).subscription
        outcome = renewed(sub, running(told[0]))
        period, lines = outcome.closed[0], list(outcome.accruals)
        for quantity in told[1:]:
            outcome = renewed(outcome.subscription, again(period, quantity, 0))
            period = next((each for each in outcome.closed if each.revision == period.revision), period)
            lines += outcome.accruals

        of_first = [each for each in lines if each.period_end == sub.period_end and each.period_start < sub.period_end]
        in_time = renewed(sub, running(told[-1]))
        expected = [each for each in in_time.accruals if each.period_end == sub.period_end]
        assert total(expected) == total(of_first)


def test_terms_name_each_charge_once() -> None:
    with pytest.raises(ValueError, match="codes of their own"):
        PlanTerms.model_validate(
            {"name": "x", "interval": "month", "charges": [metered("calls", "1"), metered("calls", "2")]}
        )
