"""Billing periods: calendar arithmetic in the customer's time zone, stored as UTC instants."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

_FIRST_MONDAY = date(1, 1, 1)


class Interval(StrEnum):
    """What billing periods are counted in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class BillingTime(StrEnum):
    """When periods begin: with the calendar's day, Monday, month or year, or counted from the subscription's start."""

    CALENDAR = "calendar"
    ANNIVERSARY = "anniversary"


class Period(NamedTuple):
    """Half-open, in UTC. `number` counts from the anchor's period, which is 0."""

    number: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of a subscription, without gap or overlap, before and after its anchor.

    Every boundary is reckoned from the anchor: the same local day and time so many intervals later. A day that the
    month lacks becomes its last day, and the next month has the day again (31 January, 28 February, 31 March). A local
    time that the clocks skip or repeat is read as the PEP 495 fold=0 instant. A period may be empty: a zone that
    crosses the date line has no such day.
    """

    anchor: datetime
    interval: Interval
    interval_count: int
    timezone: str

    @classmethod
    def on_calendar(cls, at: datetime, interval: Interval, interval_count: int, timezone: str) -> Periods:
        """Those that begin at local midnight with a day, a Monday, the first of a month or of a year.

        More than one at a time are counted from the year 1, so quarters are those of the year.
        """
        day = at.astimezone(ZoneInfo(timezone)).date()
        match interval:
            case Interval.DAY:
                first = date.fromordinal(_floor(day.toordinal() - 1, interval_count) + 1)
            case Interval.WEEK:
                weeks = _floor((day - _FIRST_MONDAY).days // 7, interval_count)
                first = _FIRST_MONDAY + timedelta(weeks=weeks)
            case Interval.MONTH:
                years, month = divmod(_floor(day.year * 12 + day.month - 13, interval_count), 12)
                first = date(years + 1, month + 1, 1)
            case Interval.YEAR:
                first = date(_floor(day.year - 1, interval_count) + 1, 1, 1)
        midnight = datetime.combine(first, time(), ZoneInfo(timezone))
        return cls(midnight.astimezone(UTC), interval, interval_count, timezone)

    def boundary(self, number: int) -> datetime:
        """Where period `number` begins, and the one before ends. Raises ValueError beyond the years 1 to 9999."""
        local = self.anchor.astimezone(ZoneInfo(self.timezone))
        count = number * self.interval_count
        try:
            if self.interval in (Interval.DAY, Interval.WEEK):
                days = count * (7 if self.interval is Interval.WEEK else 1)
                # The sum of an aware time and a timedelta is wall time: the same time of that day.
                return (local + timedelta(days=days)).replace(fold=0).astimezone(UTC)
            months = local.year * 12 + local.month - 1 + count * (12 if self.interval is Interval.YEAR else 1)
            year, month = divmod(months, 12)
            day = min(local.day, calendar.monthrange(year, month + 1)[1])
            return local.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)
        except (OverflowError, ValueError):
            raise ValueError("the period is beyond the years 1 to 9999") from None

    def around(self, at: datetime) -> Period:
        """The period that contains this instant; never an empty one."""
        number = self._guess(at)
        while self.boundary(number) > at:
            number -= 1
        while self.boundary(number + 1) <= at:
            number += 1
        return Period(number, self.boundary(number), self.boundary(number + 1))

    def _guess(self, at: datetime) -> int:
        days = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31, Interval.YEAR: 366}[self.interval]
        return (at - self.anchor).days // (days * self.interval_count)


def period_end(start: datetime, interval: Interval, timezone: str) -> datetime:
    """The end of the first period that begins at `start`."""
    return Periods(start, interval, 1, timezone).boundary(1)


def _floor(number: int, step: int) -> int:
    return number // step * step
