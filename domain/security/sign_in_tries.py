"""How long to wait after how many failed tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_TRIES = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tries:
    """Failed tries at one account from one network in a row. retry_at: not before this instant."""

    failures: int
    last_at: datetime
    retry_at: datetime

    def make_wait(self, now: datetime) -> bool:
        """Whether the next try has to wait. Whoever came at the same time may have looked at the clock after us."""
        return self.retry_at > max(now, self.last_at)

    def next(self, now: datetime) -> Tries:
        """With one more, at this instant."""
        failures = 1 if now - self.last_at > FORGOTTEN_AFTER else self.failures + 1
        return Tries(failures, now, now + _wait(failures))


def _wait(failures: int) -> timedelta:
    if failures < FREE_TRIES:
        return timedelta()
    doublings = min(failures - FREE_TRIES, 16)
    wait: timedelta = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    return wait
