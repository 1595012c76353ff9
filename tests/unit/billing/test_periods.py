"""Billing periods follow the customer's calendar, whatever the clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.periods import Interval, period_end

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
instants = st.datetimes(datetime(1995, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


class TestPeriodEnd:
    @pytest.mark.parametrize(
        ("start", "interval", "timezone", "end"),
        [
            ("2026-01-31T12:00+00:00", Interval.MONTH, "UTC", "2026-02-28T12:00+00:00"),
            ("2028-01-31T12:00+00:00", Interval.MONTH, "UTC", "2028-02-29T12:00+00:00"),
            ("2028-02-29T00:00+00:00", Interval.YEAR, "UTC", "2029-02-28T00:00+00:00"),
            ("2026-12-15T00:00+00:00", Interval.MONTH, "UTC", "2027-01-15T00:00+00:00"),
            ("2026-03-01T11:00+00:00", Interval.MONTH, "Europe/Berlin", "2026-04-01T10:00+00:00"),
            ("2026-01-31T23:30+00:00", Interval.MONTH, "Europe/Berlin", "2026-02-28T23:30+00:00"),
        ],
        ids=["short month", "leap year", "29 February", "new year", "clocks go forward", "already February there"],
    )
    def test_is_the_same_local_day_and_time(self, start: str, interval: Interval, timezone: str, end: str) -> None:
        assert datetime.fromisoformat(end) == period_end(datetime.fromisoformat(start), interval, timezone)

    @given(instants, st.sampled_from(list(Interval)), st.sampled_from(ZONES))
    def test_is_always_later_and_never_more_than_a_day_off(
        self, start: datetime, interval: Interval, zone: str
    ) -> None:
        end = period_end(start, interval, zone)

        longest = timedelta(days=367 if interval is Interval.YEAR else 32)
        shortest = timedelta(days=364 if interval is Interval.YEAR else 27)
        assert shortest <= end - start <= longest
        assert end.tzinfo is UTC

    @given(instants, st.sampled_from(ZONES))
    def test_keeps_the_local_time_of_day_where_there_is_one(self, start: datetime, zone: str) -> None:
        local = start.astimezone(ZoneInfo(zone))

        end = period_end(start, Interval.MONTH, zone).astimezone(ZoneInfo(zone))

        exists = local.replace(year=end.year, month=end.month, day=end.day, fold=0)
        skipped = exists.astimezone(UTC).astimezone(ZoneInfo(zone)).time() != exists.time()
        assert skipped or local.time() == end.time()
