"""Billing periods follow the customer's calendar, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.periods import Interval, Periods, period_end

# Every habit there is: no change of the clocks, by an hour or half of one, at midnight, across the date line; north and
# south; offsets that are no whole hours.
ZONES = """
    UTC Europe/Berlin Europe/London Europe/Lisbon Europe/Dublin Europe/Istanbul Europe/Moscow Atlantic/Azores
    America/New_York America/Chicago America/Denver America/Phoenix America/Los_Angeles America/Anchorage
    America/St_Johns America/Halifax America/Havana America/Sao_Paulo America/Santiago America/Asuncion
    America/Argentina/Buenos_Aires America/Caracas Africa/Cairo Africa/Casablanca Africa/Johannesburg
    Africa/Lagos Asia/Kolkata Asia/Kathmandu Asia/Tehran Asia/Beirut Asia/Gaza Asia/Tokyo Asia/Pyongyang
    Asia/Singapore Australia/Sydney Australia/Adelaide Australia/Lord_Howe Pacific/Apia Pacific/Auckland
    Pacific/Chatham Pacific/Kiritimati Pacific/Marquesas
""".split()  # noqa: SIM905
zones, intervals = st.sampled_from(ZONES), st.sampled_from(list(Interval))
instants = st.datetimes(datetime(1995, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
counts = st.integers(1, 13)
LONGEST = {Interval.DAY: 2, Interval.WEEK: 8, Interval.MONTH: 32, Interval.YEAR: 367}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


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
            ("2026-03-28T11:00+00:00", Interval.DAY, "Europe/Berlin", "2026-03-29T10:00+00:00"),
            ("2026-10-24T10:00+00:00", Interval.WEEK, "Europe/Berlin", "2026-10-31T11:00+00:00"),
        ],
        ids=[
            "short month",
            "leap year",
            "29 February",
            "new year",
            "clocks go forward",
            "already February there",
            "a day of 23 hours",
            "a week of 169 hours",
        ],
    )
    def test_is_the_same_local_day_and_time(self, start: str, interval: Interval, timezone: str, end: str) -> None:
        assert instant(end) == period_end(instant(start), interval, timezone)

    @given(instants, zones)
    def test_keeps_the_local_time_of_day_where_there_is_one(self, start: datetime, zone: str) -> None:
        local = start.astimezone(ZoneInfo(zone))

        end = period_end(start, Interval.MONTH, zone).astimezone(ZoneInfo(zone))

        exists = local.replace(year=end.year, month=end.month, day=end.day, fold=0)
        skipped = exists.astimezone(UTC).astimezone(ZoneInfo(zone)).time() != exists.time()
        assert skipped or local.time() == end.time()


class TestPeriods:
    @given(instants, intervals, counts, zones, st.integers(-60, 60))
    def test_leave_no_gap_and_no_overlap(
        self, anchor: datetime, interval: Interval, count: int, zone: str, first: int
    ) -> None:
        periods = Periods(anchor, interval, count, zone)

        boundaries = [periods.boundary(number) for number in range(first, first + 15)]

        assert all(timedelta() <= end - start for start, end in pairwise(boundaries))
        assert all(end - start <= timedelta(days=LONGEST[interval] * count) for start, end in pairwise(boundaries))
        assert all(boundary.tzinfo is UTC for boundary in boundaries)

    @pytest.mark.parametrize("zone", ZONES)
    def test_find_every_instant_in_exactly_one(self, zone: str) -> None:
        # The last days of January, and every change of the clocks in years with and without 29 February.
        anchors = [datetime(2023, 12, 31, 23, 30, tzinfo=UTC), datetime(2024, 1, 31, 2, 30, tzinfo=ZoneInfo(zone))]
        for periods in (Periods(anchor, interval, 1, zone) for anchor in anchors for interval in Interval):
            found = periods.around(anchors[0])
            for hours in range(0, 9 * 366 * 24, 397):
                at = anchors[0] + timedelta(hours=hours)
                period = periods.around(at)

                assert period.start <= at < period.end
                assert period.start >= found.start
                assert (period.number == found.number) is (period.start == found.start)
                found = period

    @given(instants, intervals, counts, zones, st.integers(-40, 40))
    def test_know_by_a_boundary_which_one_begins(
        self, anchor: datetime, interval: Interval, count: int, zone: str, number: int
    ) -> None:
        periods = Periods(anchor, interval, count, zone)
        boundary = periods.boundary(number)

        period = periods.around(boundary)

        assert boundary == period.start
        assert period.number >= number

    def test_come_back_to_the_day_that_a_month_lacked(self) -> None:
        periods = Periods(instant("2024-01-31T00:00+00:00"), Interval.MONTH, 1, "UTC")

        assert [31, 29, 31, 30, 31] == [periods.boundary(number).day for number in range(5)]
        assert [29, 28, 28, 28, 29] == [
            Periods(instant("2024-02-29T00:00+00:00"), Interval.YEAR, 1, "UTC").boundary(number).day
            for number in range(5)
        ]

    def test_are_empty_where_the_calendar_has_no_such_day(self) -> None:
        # Samoa went from 29 to 31 December 2011.
        periods = Periods(instant("2011-12-29T10:00-10:00"), Interval.DAY, 1, "Pacific/Apia")
        day = periods.around(instant("2011-12-31T12:00+14:00"))

        assert periods.boundary(1) == periods.boundary(2)
        assert 2 == day.number
        assert timedelta(hours=24) == day.end - day.start

    @pytest.mark.parametrize(
        ("interval", "count", "first"),
        [
            (Interval.DAY, 1, date(2026, 8, 20)),
            (Interval.WEEK, 1, date(2026, 8, 17)),
            (Interval.MONTH, 1, date(2026, 8, 1)),
            (Interval.MONTH, 3, date(2026, 7, 1)),
            (Interval.MONTH, 6, date(2026, 7, 1)),
            (Interval.YEAR, 1, date(2026, 1, 1)),
        ],
        ids=["day", "Monday", "month", "quarter", "half-year", "year"],
    )
    def test_begin_with_the_calendars(self, interval: Interval, count: int, first: date) -> None:
        at = instant("2026-08-19T22:30+00:00")

        start = Periods.on_calendar(at, interval, count, "Europe/Berlin").around(at).start

        assert datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("Europe/Berlin")) == start

    @given(instants, intervals, counts, zones)
    def test_on_the_calendar_contain_what_they_were_asked_for(
        self, at: datetime, interval: Interval, count: int, zone: str
    ) -> None:
        period = Periods.on_calendar(at, interval, count, zone).around(at)

        assert period.start <= at < period.end

    def test_end_with_the_calendar_of_the_language(self) -> None:
        with pytest.raises(ValueError, match="beyond the years"):
            Periods(instant("9999-12-01T00:00+00:00"), Interval.MONTH, 1, "UTC").boundary(1)
