"""Billing periods: calendar arithmetic in the customer's time zone, stored as UTC instants."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Interval(StrEnum):
    """How long one billing period lasts."""

    MONTH = "month"
    YEAR = "year"


def period_end(start: datetime, interval: Interval, timezone: str) -> datetime:
    """The end of the period that begins at `start`: the same local day and time one interval later.

    A day that the target month lacks becomes its last day (31 January -> 28 or 29 February). A local time
    that a daylight-saving change skips or repeats is read as the PEP 495 fold=0 instant.
    """
    local = start.astimezone(ZoneInfo(timezone))
    months = local.year * 12 + local.month - 1 + (12 if interval is Interval.YEAR else 1)
    year, month = divmod(months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)
