"""When dunning does what: in the customer's days and hours, on paydays, and never before the failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.billing.dunning_calendar import BUILT_IN, planned
from domain.billing.dunning_model import DunningAction, DunningPolicy, DunningStep, DunningStepTerms
from domain.kernel.money import Money

DUE = Money(minor=11_900, currency="EUR")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kolkata", "Australia/Lord_Howe")


def policy(*steps: dict[str, object], **more: object) -> DunningPolicy:
    return DunningPolicy.model_validate({"name": "Ours", "steps": steps, "revision": 1, **more})


def planned_on(day: str, *steps: dict[str, object], zone: str = "Europe/Berlin", **more: object) -> list[DunningStep]:
    return list(planned(policy(*steps, **more), DUE, datetime.fromisoformat(day), zone))


class TestPlanned:
    @given(st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)), st.sampled_from(ZONES))  # noqa: DTZ001
    def test_built_in_steps_come_in_order_at_the_customers_hour(self, opened_at: datetime, zone: str) -> None:
        steps = planned(BUILT_IN, DUE, opened_at, zone)

        assert len(BUILT_IN.steps) == len(steps)
        assert [step.number for step in steps] == list(range(1, len(steps) + 1))
        assert all(opened_at <= first.at <= second.at for first, second in pairwise(steps))
        later = [step.at.astimezone(ZoneInfo(zone)) for step in steps if step.at > opened_at]
        assert {10} == {at.hour for at in later if at.date() != opened_at.astimezone(ZoneInfo(zone)).date()}

    def test_the_hour_follows_the_clocks(self) -> None:
        # Berlin's summer time begins on 29 March 2026.
        before, after = planned_on(
            "2026-03-25T15:00+00:00", {"action": "retry", "afterDays": 2}, {"action": "retry", "afterDays": 6}
        )

        assert ["2026-03-27T09:00:00+00:00", "2026-03-31T08:00:00+00:00"] == [
            before.at.isoformat(),
            after.at.isoformat(),
        ]

    @pytest.mark.parametrize(
        ("opened", "after", "paydays", "expected"),
        [
            ("2026-03-10T12:00+00:00", 3, (1, 15), "2026-03-15"),
            ("2026-03-10T12:00+00:00", 5, (1, 15), "2026-03-15"),
            ("2026-02-20T12:00+00:00", 3, (31,), "2026-02-28"),
            ("2026-03-02T12:00+00:00", 0, (1,), "2026-03-02"),
            ("2026-12-28T12:00+00:00", 1, (1, 15), "2027-01-01"),
        ],
        ids=["the next", "the day itself", "a day the month lacks", "none comes soon", "next year"],
    )
    def test_waits_for_a_payday(self, opened: str, after: int, paydays: tuple[int, ...], expected: str) -> None:
        [step] = planned_on(opened, {"action": "retry", "afterDays": after, "payday": True}, paydays=paydays)

        assert expected == step.at.astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()

    @pytest.mark.parametrize(("above", "expected"), [(None, False), (11_900, False), (11_899, True)])
    def test_much_money_waits_for_approval(self, above: int | None, expected: bool) -> None:
        retry, cancel = planned_on(
            "2026-03-10T12:00+00:00",
            {"action": "retry", "afterDays": 1},
            {"action": "cancel", "afterDays": 2},
            approval_above_minor=above,
        )

        assert (False, expected) == (retry.approval, cancel.approval)

    def test_on_the_day_itself_is_at_once(self) -> None:
        opened = "2026-03-10T21:30+00:00"

        [step] = planned_on(opened, {"action": "remind", "template": "payment_failed", "afterDays": 0})

        assert datetime.fromisoformat(opened) == step.at

    def test_built_in_plan_ends_within_two_months(self) -> None:
        steps = planned(BUILT_IN, DUE, datetime(2026, 3, 10, tzinfo=UTC), "UTC")

        assert DunningAction.WRITE_OFF is steps[-1].action
        assert steps[-1].at - steps[0].at < timedelta(days=61)


class TestStep:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"action": "remind", "afterDays": 1},
            {"action": "retry", "afterDays": 1, "template": "reminder"},
            {"action": "downgrade", "afterDays": 1},
            {"action": "cancel", "afterDays": 1, "planCode": "free"},
            {"action": "retry", "afterDays": -1},
            {"action": "retry", "afterDays": 1, "hour": 24},
            {"action": "retry", "afterDays": 1, "declines": []},
        ],
        ids=["no words", "words for nothing", "no plan", "plan for nothing", "before", "no hour", "for nothing"],
    )
    def test_that_means_nothing_is_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            DunningStepTerms.model_validate(wrong)
