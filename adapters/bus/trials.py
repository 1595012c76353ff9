"""The rules of parking: events are tried in order, all at once while that works, and what fails is found by halving."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import asyncpg
import structlog

from domain.bus.errors import BlockedBySubject
from domain.bus.event import Position, RecordedEvent
from domain.kernel.errors import HarborGridError, Unavailable

log = structlog.get_logger(__name__)

Apply = Callable[[Sequence[RecordedEvent]], Awaitable[None]]

_CIRCUMSTANCES = (
    Unavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # The driver's word for a statement on a connection that is being cut.
    asyncpg.InternalClientError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    OSError,
)


def is_circumstance(error: Exception) -> bool:
    """Whether it would have happened to any event: a connection went, a lock was not to be had."""
    return isinstance(error, _CIRCUMSTANCES)


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that could not be taken, why, and in how many deliveries it was tried."""

    event: RecordedEvent
    error: Exception
    attempts: int


@dataclass(slots=True)
class Outcome:
    """What became of some events: `reached` is the last one dealt with, `failure` is what stopped us there."""

    taken: int = 0
    parked: list[SetAside] = field(default_factory=list)
    reached: Position | None = None
    failure: Exception | None = None


class Trial:
    """One delivery's attempt at some events in order.

    attempt: how often a delivery has begun with the first of them; limit: after so many it is parked.
    """

    def __init__(self, apply: Apply, blocked: AbstractSet[str], *, attempt: int, limit: int) -> None:
        self._apply, self._attempt, self._limit = apply, attempt, limit
        self._blocked = set(blocked)
        self.outcome = Outcome()

    async def run(self, events: Sequence[RecordedEvent]) -> Outcome:
        """Try them all. Raises what is nobody's fault; any other failure is in the outcome.

        A later attempt is about the event that failed before: the first one. What fails behind it is left to
        the next delivery, or it would be blamed for attempts that were not its own.
        """
        await self._take(events)
        return self.outcome

    async def _take(self, events: Sequence[RecordedEvent]) -> bool:
        """Whether to go on with what comes behind these events."""
        free = [event for event in events if event.subject not in self._blocked]
        try:
            if free:
                await self._apply(free)
        except Exception as error:
            if is_circumstance(error):
                raise
            log.info("bus.events_failed", events=len(free), reason=f"{type(error).__name__}: {error}")
            return await self._narrow(events, free, error)
        self._dealt_with(events)
        return True

    async def _narrow(self, events: Sequence[RecordedEvent], free: list[RecordedEvent], error: Exception) -> bool:
        first = next(place for place, event in enumerate(events) if event is free[0])
        if len(free) == 1:
            self._dealt_with(events[:first])
            return self._blame(free[0], error) and self._dealt_with(events[first + 1 :])
        if self._attempt > 1:
            return await self._take(events[: first + 1])
        middle = len(events) // 2
        return await self._take(events[:middle]) and await self._take(events[middle:])

    def _blame(self, event: RecordedEvent, error: Exception) -> bool:
        is_refusal = isinstance(error, HarborGridError)
        if not is_refusal and self._attempt < self._limit:
            self.outcome.failure = error
            return False
        self.outcome.parked.append(SetAside(event, error, self._attempt))
        self.outcome.reached = event.position
        self._blocked.add(event.subject)
        return True

    def _dealt_with(self, events: Sequence[RecordedEvent]) -> bool:
        for event in events:
            if event.subject in self._blocked:
                self.outcome.parked.append(SetAside(event, BlockedBySubject(), 0))
            else:
                self.outcome.taken += 1
            self.outcome.reached = event.position
        return True
