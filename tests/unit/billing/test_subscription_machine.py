"""Any sequence of commands to a subscription, at any instants, keeps what holds of its periods and its charges."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from subscribed import BEGIN, begun, item

from domain.billing import lifecycle
from domain.billing.lifecycle import next_step
from domain.billing.periods import BillingTime, Periods
from domain.billing.proration import Proration
from domain.billing.stepping import Outcome
from domain.billing.subscription_model import LineKind, SubscriptionStatus


class SubscriptionMachine(RuleBasedStateMachine):
    """Charged is what the price falls by while it counts, and no more."""

    @initialize(
        proration=st.sampled_from(list(Proration)),
        billing_time=st.sampled_from(list(BillingTime)),
        trial=st.sampled_from([timedelta(), timedelta(days=14)]),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia"]),
        code=st.sampled_from(["basic", "pro", "yearly"]),
    )
    def start(self, proration: str, billing_time: BillingTime, trial: timedelta, zone: str, code: str) -> None:
        outcome, self.terms = begun(
            item(code), proration=proration, billing_time=billing_time, trial=trial, timezone=zone
        )
        self.now, self.sub, self.accruals = BEGIN, outcome.subscription, list(outcome.accruals)
        self.periods = [(self.sub.period_start, self.sub.period_end)]

    def took(self, outcome: Outcome) -> None:
        assert outcome.subscription.revision == self.sub.revision + 1
        self.sub = outcome.subscription
        self.accruals += outcome.accruals

    @rule(days=st.integers(0, 70), seconds=st.integers(0, 86_399))
    def let_time_pass(self, days: int, seconds: int) -> None:
        self.now += timedelta(days=days, seconds=seconds)
        while (step := next_step(self.sub)) and step.at <= self.now:
            before = self.sub
            self.took(lifecycle.take(before, step, self.terms))
            if before.status is self.sub.status is SubscriptionStatus.ACTIVE:
                assert before.period_end == self.sub.period_start

    @precondition(lambda self: self.sub.status is not SubscriptionStatus.CANCELED)
    @rule(
        code=st.sampled_from(["basic", "pro", "yearly"]),
        seats=st.integers(1, 30),
        backup=st.integers(0, 5),
        later=st.booleans(),
    )
    def change(self, code: str, seats: int, backup: int, later: bool) -> None:
        items = (item(code, seats), *([item("backup", backup)] if backup and code != "yearly" else []))
        if later and self.sub.status is SubscriptionStatus.ACTIVE:
            self.took(lifecycle.change_later(self.sub, items, at=self.now))
        else:
            self.took(lifecycle.change(self.sub, items, self.terms, at=self.now))

    @precondition(lambda self: self.sub.status is SubscriptionStatus.ACTIVE)
    @rule(hours=st.integers(0, 24 * 366))
    def realign(self, hours: int) -> None:
        at = Periods(self.now, self.sub.interval, self.sub.interval_count, self.sub.timezone).boundary(1)
        anchor = min(self.now + timedelta(hours=hours), at)
        bare = tuple(each.bare for each in self.sub.items)
        self.took(lifecycle.change(self.sub, bare, self.terms, at=self.now, anchor=anchor))

    @precondition(lambda self: self.sub.status is SubscriptionStatus.ACTIVE)
    @rule(days=st.none() | st.integers(1, 50))
    def pause(self, days: int | None) -> None:
        until = None if days is None else self.now + timedelta(days=days)
        self.took(lifecycle.pause(self.sub, self.terms, until, at=self.now))

    @precondition(lambda self: self.sub.status is SubscriptionStatus.PAUSED)
    @rule()
    def resume(self) -> None:
        self.took(lifecycle.resume(self.sub, self.terms, at=self.now))

    @precondition(lambda self: self.sub.status is not SubscriptionStatus.CANCELED)
    @rule(days=st.none() | st.integers(1, 50))
    def cancel(self, days: int | None) -> None:
        if days is None:
            self.took(lifecycle.cancel(self.sub, self.terms, "asked for", at=self.now))
        else:
            self.took(lifecycle.cancel_later(self.sub, self.now + timedelta(days=days), "asked for", at=self.now))

    @precondition(lambda self: self.sub.status is SubscriptionStatus.CANCELED)
    @rule()
    def reactivate(self) -> None:
        self.took(lifecycle.reactivate(self.sub, self.terms, at=self.now))

    @invariant()
    def nothing_is_charged_twice(self) -> None:
        assert all(count == 1 for count in Counter(each.key for each in self.accruals).values())

    @invariant()
    def no_credit_exceeds_what_was_charged(self) -> None:
        balance: Counter[tuple[str | None, str, Decimal]] = Counter()
        for each in self.accruals:
            if each.kind is LineKind.RECURRING:
                balance[each.plan_code, each.charge_code, each.quantity] += each.amount.minor
                assert balance[each.plan_code, each.charge_code, each.quantity] >= 0

    @invariant()
    def a_running_period_contains_its_now(self) -> None:
        if self.sub.status is SubscriptionStatus.ACTIVE:
            assert self.sub.period_start <= self.now < self.sub.period_end
            whole = Periods(self.sub.anchor, self.sub.interval, self.sub.interval_count, self.sub.timezone)
            assert whole.around(self.now).end == self.sub.period_end

    @invariant()
    def what_comes_next_is_still_to_come(self) -> None:
        step = next_step(self.sub)
        assert step is None or step.at > self.now or step.at >= self.sub.started_at
        assert (step is None) is (
            (self.sub.status is SubscriptionStatus.CANCELED)
            or (self.sub.status is SubscriptionStatus.PAUSED and not self.sub.resume_at and not self.sub.cancel_at)
        )


TestAnySequenceOfCommands = SubscriptionMachine.TestCase
TestAnySequenceOfCommands.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
