"""The life of a subscription: whatever happens in whatever order, a period costs what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from subscribed import BEGIN, amounts, begun, item, total

from domain.billing import lifecycle
from domain.billing.events import SubscriptionChange
from domain.billing.ids import CustomerId, SubscriptionId
from domain.billing.lifecycle import next_step
from domain.billing.periods import BillingTime
from domain.billing.plan_model import PlanTerms
from domain.billing.stepping import Outcome
from domain.billing.subscription_model import LineKind, Subscription, SubscriptionStatus


def run(sub: Subscription, terms: dict[tuple[str, int], PlanTerms], until: datetime) -> list[Outcome]:
    """Everything that happens by itself until then."""
    outcomes = []
    while (step := next_step(sub)) and step.at <= until:
        outcomes.append(lifecycle.take(sub, step, terms))
        sub = outcomes[-1].subscription
    return outcomes


class TestBegin:
    def test_charges_what_is_in_advance_and_what_comes_once(self) -> None:
        outcome, _ = begun(item("pro", 3))

        assert [("base", 4999), ("seats", 2331), ("setup", 9900)] == sorted(amounts(outcome.accruals))
        assert datetime(2026, 2, 28, 11, 0, tzinfo=UTC) == outcome.subscription.period_end

    def test_on_the_calendar_charges_the_rest_of_the_month(self) -> None:
        outcome, _ = begun(item("basic"), proration="day", billing_time=BillingTime.CALENDAR)

        [base] = [each for each in outcome.accruals if each.charge_code == "base"]
        assert ("1/31", 32, 1000) == (base.share, base.amount.minor, base.price.minor)
        assert datetime(2026, 1, 31, 23, 0, tzinfo=UTC) == outcome.subscription.period_end

    def test_with_a_trial_charges_when_it_has_ended_and_says_so_before(self) -> None:
        outcome, terms = begun(item("basic"), trial=timedelta(days=14))

        later = run(outcome.subscription, terms, BEGIN + timedelta(days=20))

        assert SubscriptionStatus.TRIALING is outcome.subscription.status
        assert () == outcome.accruals
        assert [SubscriptionChange.TRIAL_REMINDED, SubscriptionChange.ACTIVATED] == [each.change for each in later]
        assert [BEGIN + timedelta(days=11), BEGIN + timedelta(days=14)] == [each.at for each in later]
        assert 1500 == total(later[1].accruals)

    def test_of_an_extended_trial_says_so_again(self) -> None:
        outcome, terms = begun(item("basic"), trial=timedelta(days=14))
        reminded = run(outcome.subscription, terms, BEGIN + timedelta(days=12))[-1].subscription
        longer = BEGIN + timedelta(days=30)

        extended = lifecycle.extend_trial(reminded, longer, at=BEGIN + timedelta(days=12)).subscription

        later = run(extended, terms, BEGIN + timedelta(days=40))
        assert [longer - timedelta(days=3), longer] == [each.at for each in later]


class TestRenew:
    def test_charges_arrears_the_minimum_and_the_next_period(self) -> None:
        outcome, terms = begun(item("pro", 2))

        [renewed] = run(outcome.subscription, terms, outcome.subscription.period_end)

        # 49.99 and 2 seats at 7.77 were paid, 31.00 is due: 3.47 is missing to 100.00.
        assert [("support", 3100), ("minimum", 347), ("base", 4999), ("seats", 1554)] == amounts(renewed.accruals)

    def test_never_loses_the_day_that_a_month_lacks(self) -> None:
        outcome, terms = begun(item("basic"))

        ends = [each.subscription.period_end for each in run(outcome.subscription, terms, BEGIN + timedelta(days=150))]

        assert [(3, 31), (4, 30), (5, 31), (6, 30), (7, 31)] == [(end.month, end.day) for end in ends]
        # 12 o'clock in Berlin, in summer too.
        assert {10} == {end.hour for end in ends}


class TestChange:
    def test_credits_what_is_left_of_the_old_and_charges_what_is_left_of_the_new(self) -> None:
        outcome, terms = begun(item("basic"))
        half = BEGIN + timedelta(days=14)

        changed = lifecycle.change(outcome.subscription, (item("pro"),), terms, at=half)

        assert SubscriptionChange.UPGRADED is changed.change
        assert [("base", -500), ("base", 2500), ("seats", 389), ("setup", 9900)] == amounts(changed.accruals)
        assert {"1/2"} == {each.share for each in changed.accruals if each.kind is LineKind.RECURRING}

    def test_of_seats_leaves_add_ons_alone(self) -> None:
        outcome, terms = begun(item("pro", 2), item("backup", 4))

        changed = lifecycle.change(
            outcome.subscription, (item("pro", 3), item("backup", 4)), terms, at=BEGIN + timedelta(days=7)
        )

        assert SubscriptionChange.QUANTITY_CHANGED is changed.change
        assert {"pro"} == {each.plan_code for each in changed.accruals}
        assert "setup" not in dict(amounts(changed.accruals))

    def test_back_and_forth_at_one_instant_costs_nothing(self) -> None:
        outcome, terms = begun(item("basic"))
        at = BEGIN + timedelta(days=9, seconds=12_345)
        there = lifecycle.change(outcome.subscription, (item("basic", 7), item("backup")), terms, at=at)

        back = lifecycle.change(there.subscription, (item("basic"),), terms, at=at)

        recurring_ = [each for each in (*there.accruals, *back.accruals) if each.kind is LineKind.RECURRING]
        assert 0 == total(recurring_)

    def test_that_is_not_prorated_counts_from_the_next_period(self) -> None:
        outcome, terms = begun(item("basic"), proration="none")

        changed = lifecycle.change(outcome.subscription, (item("pro"),), terms, at=BEGIN + timedelta(days=7))
        [renewed] = run(changed.subscription, terms, outcome.subscription.period_end)

        assert [("setup", 9900)] == amounts(changed.accruals)
        # 10.00 was paid in advance and 31.00 is due at the end: 59.00 is missing to the minimum.
        assert [("support", 3100), ("minimum", 5900), ("base", 4999), ("seats", 777)] == amounts(renewed.accruals)

    def test_to_another_interval_begins_a_period_of_its_own(self) -> None:
        outcome, terms = begun(item("basic"))
        half = BEGIN + timedelta(days=14)

        changed = lifecycle.change(outcome.subscription, (item("yearly"),), terms, at=half).subscription

        assert (half, datetime(2027, 2, 14, 11, 0, tzinfo=UTC)) == (changed.period_start, changed.period_end)

    def test_of_the_billing_day_credits_the_rest_and_begins_a_period_that_ends_there(self) -> None:
        outcome, terms = begun(item("basic"))
        half, day = BEGIN + timedelta(days=14), BEGIN + timedelta(days=28)

        changed = lifecycle.change(outcome.subscription, (item("basic"),), terms, at=half, anchor=day)
        [renewed] = run(changed.subscription, terms, day)

        assert SubscriptionChange.REALIGNED is changed.change
        # 14 of 28 days are left; until the new day it is 14 of the 31 that end there, in Berlin.
        assert [("base", -500), ("base", 452)] == amounts(changed.accruals)
        assert (half, day) == (changed.subscription.period_start, changed.subscription.period_end)
        assert datetime(2026, 3, 28, 11, 0, tzinfo=UTC) == renewed.subscription.period_end

    def test_at_the_end_of_the_period_waits_for_it(self) -> None:
        outcome, terms = begun(item("pro"))
        later = lifecycle.change_later(outcome.subscription, (item("basic"),), at=BEGIN + timedelta(days=3))

        [renewed] = run(later.subscription, terms, outcome.subscription.period_end)

        assert () == later.accruals
        assert SubscriptionChange.DOWNGRADED is renewed.change
        assert [("support", 3100), ("minimum", 1124), ("base", 1000), ("setup", 500)] == amounts(renewed.accruals)


class TestPause:
    def test_credits_the_rest_and_charges_from_where_it_goes_on(self) -> None:
        outcome, terms = begun(item("basic"))
        end = outcome.subscription.period_end
        paused = lifecycle.pause(outcome.subscription, terms, end + timedelta(days=10), at=BEGIN + timedelta(days=14))

        [resumed] = run(paused.subscription, terms, end + timedelta(days=10))

        assert [("base", -500)] == amounts(paused.accruals)
        # Of a month that has lost an hour.
        assert ["503/743", 677] == [resumed.accruals[0].share, resumed.accruals[0].amount.minor]

    def test_for_ever_makes_nothing_happen(self) -> None:
        outcome, terms = begun(item("basic"))

        paused = lifecycle.pause(outcome.subscription, terms, None, at=BEGIN + timedelta(days=1))

        assert next_step(paused.subscription) is None

    def test_of_what_is_not_prorated_is_not_paid_for_twice(self) -> None:
        outcome, terms = begun(item("pro"), proration="none")
        paused = lifecycle.pause(outcome.subscription, terms, None, at=BEGIN + timedelta(days=7))
        resumed = lifecycle.resume(paused.subscription, terms, at=BEGIN + timedelta(days=9))

        [renewed] = run(resumed.subscription, terms, outcome.subscription.period_end)

        assert [0, 0] == [total(paused.accruals), total(resumed.accruals)]
        assert ("minimum", 10000 - 4999 - 777 - 3100) in amounts(renewed.accruals)


class TestCancel:
    def test_at_the_end_of_the_period_comes_before_the_next_one(self) -> None:
        outcome, terms = begun(item("pro"))
        end = outcome.subscription.period_end
        waiting = lifecycle.cancel_later(outcome.subscription, end, "moved away", at=BEGIN).subscription

        [canceled] = run(waiting, terms, end + timedelta(days=90))

        assert [("support", 3100), ("minimum", 1124)] == amounts(canceled.accruals)
        assert (end, "moved away") == (canceled.subscription.canceled_at, canceled.subscription.cancel_reason)

    def test_can_be_taken_back(self) -> None:
        outcome, terms = begun(item("basic"))
        end = outcome.subscription.period_end
        waiting = lifecycle.cancel_later(outcome.subscription, end, "moved away", at=BEGIN).subscription

        kept = lifecycle.withdraw_cancellation(waiting, at=BEGIN + timedelta(days=1)).subscription

        assert SubscriptionStatus.ACTIVE is run(kept, terms, end)[-1].subscription.status

    def test_and_reactivated_begins_anew_without_what_comes_once(self) -> None:
        outcome, terms = begun(item("basic"))
        canceled = lifecycle.cancel(outcome.subscription, terms, "moved away", at=BEGIN + timedelta(days=14))
        back = BEGIN + timedelta(days=100)

        again = lifecycle.reactivate(canceled.subscription, terms, at=back)

        assert [("base", -500)] == amounts(canceled.accruals)
        assert [("base", 1000)] == amounts(again.accruals)
        assert back == again.subscription.period_start


class TestHandOver:
    def test_charges_what_the_other_is_credited_and_goes_on_in_the_same_period(self) -> None:
        outcome, terms = begun(item("pro", 2))
        sub, at = outcome.subscription, BEGIN + timedelta(days=7)

        ended = lifecycle.cancel(sub, terms, "transferred", at=at)
        begun_ = handed_over(sub, terms, at=at)

        advance = {"base", "seats"}
        credits_ = [each for each in ended.accruals if each.charge_code in advance]
        assert [(each.charge_code, -each.amount.minor) for each in credits_] == amounts(begun_.accruals)
        assert (at, sub.period_end, 1) == (
            begun_.subscription.period_start,
            begun_.subscription.period_end,
            begun_.subscription.revision,
        )

    def test_of_a_trial_goes_on_with_it(self) -> None:
        outcome, terms = begun(item("basic"), trial=timedelta(days=14))

        later = run(
            handed_over(outcome.subscription, terms, at=BEGIN + timedelta(days=2)).subscription,
            terms,
            BEGIN + timedelta(days=14),
        )

        assert [SubscriptionChange.TRIAL_REMINDED, SubscriptionChange.ACTIVATED] == [each.change for each in later]


def handed_over(sub: Subscription, terms: dict[tuple[str, int], PlanTerms], *, at: datetime) -> Outcome:
    other, named = CustomerId("cus_01h455vb4pex5vsknk084sn02r"), SubscriptionId("sub_01h455vb4pex5vsknk084sn02r")
    return lifecycle.handed_over(sub, terms, to=other, timezone="Europe/Berlin", named=named, at=at)


@pytest.mark.parametrize("proration", ["second", "day"])
def test_a_month_of_changes_costs_what_each_part_of_it_costs(proration: str) -> None:
    outcome, terms = begun(item("basic"), proration=proration)
    sub, accruals = outcome.subscription, list(outcome.accruals)
    for day, seats in ((2, 4), (9, 2), (16, 11), (23, 1)):
        changed = lifecycle.change(sub, (item("basic"), item("backup", seats)), terms, at=BEGIN + timedelta(days=day))
        sub, accruals = changed.subscription, [*accruals, *changed.accruals]

    stored = [each for each in accruals if each.charge_code == "store"]

    exact = Decimal(333 * sum(seats * days for seats, days in ((4, 7), (2, 7), (11, 7), (1, 5)))) / 28
    assert abs(total(stored) - exact) <= len(stored) / Decimal(2)
    assert 1000 == total([each for each in accruals if each.charge_code == "base"])
