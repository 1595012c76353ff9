"""Proration: which share of a period's price belongs to the part of it that is left."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.billing.periods import Period


class Proration(StrEnum):
    """By what a period begun is shared: by the second, by the customer's days, or not at all."""

    SECOND = "second"
    DAY = "day"
    NONE = "none"


def share_left(whole: Period, at: datetime, proration: Proration, timezone: str) -> Fraction:
    """What is left of the period at this instant, from 1 at its start down to 0 at its end; never more later.

    By the second it is the time that really passes: a day on which the clocks change has 23 or 25 hours. By day the
    day of the change belongs to what comes after it. Not prorated, all of it is left until it ends.
    """
    if at <= whole.start:
        return Fraction(1)
    if at >= whole.end:
        return Fraction(0)
    match proration:
        case Proration.NONE:
            return Fraction(1)
        case Proration.SECOND:
            return Fraction((whole.end - at) // _TICK, (whole.end - whole.start) // _TICK)
        case Proration.DAY:
            start, now, end = (_day(instant, timezone) for instant in (whole.start, at, whole.end))
            # Of a period within one day nothing is left once it has begun to pass.
            return Fraction(end - now, end - start) if end > start else Fraction(1)


_TICK = datetime.resolution


def _day(instant: datetime, timezone: str) -> int:
    return instant.astimezone(ZoneInfo(timezone)).toordinal()
