"""Sharing a period's price: nothing is lost, nothing invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.periods import Interval, Periods
from domain.billing.proration import Proration, share_left

BERLIN = "Europe/Berlin"
instants = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(["UTC", BERLIN, "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe"])


def march() -> Periods:
    return Periods.on_calendar(datetime(2026, 3, 15, tzinfo=UTC), Interval.MONTH, 1, BERLIN)


class TestShareLeft:
    def test_by_the_second_counts_the_hour_that_the_clocks_took(self) -> None:
        period = march().around(datetime(2026, 3, 15, tzinfo=UTC))
        noon = datetime(2026, 3, 30, 10, tzinfo=UTC)

        assert 31 * 24 - 1 == (period.end - period.start) / timedelta(hours=1)
        assert Fraction(36, 743) == share_left(period, noon, Proration.SECOND, BERLIN)

    @pytest.mark.parametrize("hour", [0, 13, 21])
    def test_by_day_is_the_same_all_day_long(self, hour: int) -> None:
        period = march().around(datetime(2026, 3, 15, tzinfo=UTC))

        assert Fraction(2, 31) == share_left(period, datetime(2026, 3, 30, hour, tzinfo=UTC), Proration.DAY, BERLIN)

    def test_of_what_is_not_prorated_is_all_until_the_end(self) -> None:
        period = march().around(datetime(2026, 3, 15, tzinfo=UTC))

        assert [1, 1, 0] == [
            share_left(period, at, Proration.NONE, BERLIN)
            for at in (period.start, period.end - timedelta(seconds=1), period.end)
        ]

    @given(
        instants,
        st.sampled_from(list(Interval)),
        zones,
        st.sampled_from(list(Proration)),
        st.lists(st.fractions(0, 1), min_size=1, max_size=5),
    )
    def test_only_falls_from_all_to_nothing(
        self, anchor: datetime, interval: Interval, zone: str, proration: Proration, parts: list[Fraction]
    ) -> None:
        period = Periods(anchor, interval, 1, zone).around(anchor)
        span = (period.end - period.start) // timedelta(microseconds=1)
        instants = sorted(period.start + timedelta(microseconds=int(part * span)) for part in parts)

        shares = [share_left(period, at, proration, zone) for at in (period.start, *instants, period.end)]

        assert [1, 0] == [shares[0], shares[-1]]
        assert sorted(shares, reverse=True) == shares
