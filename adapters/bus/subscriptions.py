"""Delivery: events in order, effect and cursor together, and what cannot be handled set aside with its reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog

from adapters.bus.handlers import EventHandler
from adapters.bus.parking import ROWS, blocked_subjects, count_parked, next_blocked, park, parked_row, reading, unpark
from adapters.bus.store import COLUMNS, recorded
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.telemetry.metrics import DELIVERED_EVENTS
from domain.bus.catalogue import Catalogue
from domain.bus.errors import BlockedBySubject, ParkedEventNotFound, SubscriptionNotFound
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Batch, Parked, ParkedId, Progress, SubscriptionState
from domain.kernel.errors import Refused, Unavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page, decode_cursor, encode_cursor

log = structlog.get_logger(__name__)

ROUND = 1000
ROUNDS = 20
Apply = Callable[[Sequence[RecordedEvent]], Awaitable[None]]


@dataclass(slots=True)
class _Outcome:
    """What became of some events: `reached` is the last one dealt with, `failure` what stopped us there."""

    reached: Position
    handled: int = 0
    parked: list[tuple[RecordedEvent, Exception]] = field(default_factory=list)
    failure: Exception | None = None


class PostgresSubscriptions:
    """Every subscription's cursors and parked events."""

    def __init__(self, database: Database, handlers: Sequence[EventHandler], catalogue: Catalogue) -> None:
        self._database = database
        self._handlers: Mapping[str, EventHandler] = {handler.subscription.name: handler for handler in handlers}
        self._types = {
            name: [cls.about.type for cls in catalogue if handler.subscription.wants(cls.about.type)]
            for name, handler in self._handlers.items()
        }

    @property
    def names(self) -> Sequence[str]:
        """Every subscription's name."""
        return list(self._handlers)

    def handler(self, name: str) -> EventHandler:
        """Raises SubscriptionNotFound."""
        try:
            return self._handlers[name]
        except KeyError:
            raise SubscriptionNotFound(subscription=name) from None

    def interested(self, type_: str) -> list[str]:
        """Subscriptions that want events of this type."""
        return [name for name, types in self._types.items() if type_ in types]

    async def deliver(self, batch: Batch, *, attempt: int) -> Progress:
        """Up to ROUNDS rounds of ROUND events; see `domain.bus.ports.Subscriptions`."""
        handler = self.handler(batch.subscription)
        handled = 0
        for parked_id in batch.redeliver:
            handled += await self._redeliver(handler, batch.tenant_id, parked_id)
        for _ in range(ROUNDS):
            progress, failure = await self._round(handler, batch, attempt)
            handled += progress.handled
            if failure is not None:
                # What came before is committed; the next attempt begins with the event that failed.
                raise failure
            if not progress.more:
                break
        DELIVERED_EVENTS.labels(batch.subscription).inc(handled)
        return progress.model_copy(update={"handled": handled})

    async def _round(self, handler: EventHandler, batch: Batch, attempt: int) -> tuple[Progress, Exception | None]:
        if handler.in_transaction:
            return await self._database.run(None, lambda session: self._in_one(session, handler, batch, attempt))
        return await self._beside(handler, batch, attempt)

    async def _in_one(
        self, session: Session, handler: EventHandler, batch: Batch, attempt: int
    ) -> tuple[Progress, Exception | None]:
        cursor = await self._cursor(session, batch, lock=True)
        if not await handler.ready(session, batch.tenant_id):
            return await self._progress(session, batch, cursor, 0), None
        events = await self._next(session, batch, cursor)

        async def apply(some: Sequence[RecordedEvent]) -> None:
            async with session.savepoint(), session.acting_as(batch.tenant_id):
                await handler.handle(session, batch.tenant_id, some)

        outcome = await self._work_off(session, handler, batch, events, apply, attempt)
        return await self._settle(session, batch, cursor, events, outcome)

    async def _beside(
        self, handler: EventHandler, batch: Batch, attempt: int
    ) -> tuple[Progress, Exception | None]:
        # The effect is elsewhere and may take long: no writing transaction may be open meanwhile, for it
        # would hold back every reader of events. A session lock keeps a second delivery out.
        async with self._database.connection() as lock:
            await lock.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", _key(batch))
            try:
                cursor, is_ready, events = await self._database.run(
                    None, lambda session: self._look(session, handler, batch)
                )
                if not is_ready:
                    return Progress(cursor=cursor, handled=0, parked=0), None

                async def apply(some: Sequence[RecordedEvent]) -> None:
                    await handler.handle(None, batch.tenant_id, some)

                blocked = await self._database.run(
                    None, lambda session: blocked_subjects(session, batch.subscription, batch.tenant_id)
                )
                outcome = await _attempt_all(events, apply, blocked, handler.subscription.attempts, attempt, cursor)
                return await self._database.run(
                    None, lambda session: self._settle(session, batch, cursor, events, outcome)
                )
            finally:
                if not lock.is_closed():
                    await lock.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", _key(batch))

    async def _look(
        self, session: Session, handler: EventHandler, batch: Batch
    ) -> tuple[Position, bool, list[RecordedEvent]]:
        cursor = await self._cursor(session, batch, lock=False)
        if not await handler.ready(session, batch.tenant_id):
            return cursor, False, []
        return cursor, True, await self._next(session, batch, cursor)

    async def _work_off(  # noqa: PLR0913, PLR0917 - one step of a delivery
        self,
        session: Session,
        handler: EventHandler,
        batch: Batch,
        events: Sequence[RecordedEvent],
        apply: Apply,
        attempt: int,
    ) -> _Outcome:
        blocked = await blocked_subjects(session, batch.subscription, batch.tenant_id)
        start = events[0].position if events else START
        return await _attempt_all(events, apply, blocked, handler.subscription.attempts, attempt, start)

    async def _settle(  # noqa: PLR0913, PLR0917 - one step of a delivery
        self,
        session: Session,
        batch: Batch,
        cursor: Position,
        events: Sequence[RecordedEvent],
        outcome: _Outcome,
    ) -> tuple[Progress, Exception | None]:
        for event, error in outcome.parked:
            await park(session, batch, event, error)
        if outcome.handled or outcome.parked:
            cursor = outcome.reached
            await session.sql.execute(
                "INSERT INTO bus_cursor (subscription, tenant_id, xid, seq, handled) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (subscription, tenant_id) DO UPDATE SET (xid, seq, handled, updated_at) "
                "= (excluded.xid, excluded.seq, bus_cursor.handled + excluded.handled, now())",
                batch.subscription,
                batch.tenant_id,
                *cursor,
                outcome.handled,
            )
        progress = await self._progress(session, batch, cursor, outcome.handled, more=len(events) == ROUND)
        return progress, outcome.failure

    async def _progress(
        self, session: Session, batch: Batch, cursor: Position, handled: int, *, more: bool = False
    ) -> Progress:
        parked = await count_parked(session, batch.subscription, batch.tenant_id)
        return Progress(cursor=cursor, handled=handled, parked=parked, more=more)

    async def _cursor(self, session: Session, batch: Batch, *, lock: bool) -> Position:
        if lock:
            # Deliveries of one subscription and tenant take turns, also the first one, which has no row yet.
            await session.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", _key(batch))
        row = await session.sql.fetchrow(
            "SELECT xid, seq FROM bus_cursor WHERE subscription = $1 AND tenant_id = $2",
            batch.subscription,
            batch.tenant_id,
        )
        return Position(row["xid"], row["seq"]) if row else START

    async def _next(self, session: Session, batch: Batch, cursor: Position) -> list[RecordedEvent]:
        rows = await session.sql.fetch(
            f"SELECT {COLUMNS} FROM events WHERE tenant_id = $1 AND type = ANY($2) "
            "AND (xid, seq) > ($3::xid8, $4::bigint) AND (xid, seq) <= ($5::xid8, $6::bigint) "
            "ORDER BY xid, seq LIMIT $7",
            batch.tenant_id,
            self._types[batch.subscription],
            *cursor,
            *batch.up_to,
            ROUND,
        )
        return [recorded(row) for row in rows]

    async def _redeliver(self, handler: EventHandler, tenant: TenantId, parked_id: ParkedId) -> int:
        """Deliver a parked event again and, if it is taken, those that waited behind it."""
        handled = 0
        following: str | None = parked_id
        while following is not None:
            event_id = following
            taken, following = await self._database.run(
                None, lambda session: self._once_more(session, handler, tenant, event_id)
            )
            handled += taken
        return handled

    async def _once_more(
        self, session: Session, handler: EventHandler, tenant: TenantId, parked_id: str
    ) -> tuple[int, str | None]:
        row = await parked_row(session, tenant, parked_id, lock=True)
        if row is None:
            return 0, None
        event = reading(row).event
        try:
            async with session.savepoint():
                if handler.in_transaction:
                    async with session.acting_as(tenant):
                        await handler.handle(session, tenant, [event])
                else:
                    await handler.handle(None, tenant, [event])
        except (Unavailable, asyncpg.PostgresConnectionError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever the handler says is the reason that is kept
            await unpark(session, parked_id, failed=error)
            return 0, None
        await unpark(session, parked_id)
        return 1, await next_blocked(session, handler.subscription.name, tenant, event.subject)

    async def states(self, tenant: TenantId | None) -> Sequence[SubscriptionState]:
        """Cursor, lag and parked count of every subscription and tenant."""
        return await self._database.run(None, lambda session: self._states(session, tenant))

    async def _states(self, session: Session, tenant: TenantId | None) -> list[SubscriptionState]:
        states = []
        for name in self._handlers:
            rows = await session.sql.fetch(_STATES, name, tenant, self._types[name])
            states += [
                SubscriptionState(
                    subscription=name,
                    tenant_id=row["tenant_id"],
                    cursor=str(Position(row["xid"], row["seq"])),
                    lag_events=row["lag"],
                    parked=row["parked"],
                    updated_at=row["updated_at"],
                )
                for row in rows
            ]
        return states

    async def parked(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Parked]:
        """Oldest first."""
        after = decode_cursor(cursor, str)[0] if cursor else ""

        async def work(session: Session) -> list[Any]:
            return await session.sql.fetch(
                f"{ROWS} WHERE ($1::text IS NULL OR p.tenant_id = $1) AND p.id > $2 ORDER BY p.id LIMIT $3",
                tenant,
                after,
                limit + 1,
            )

        rows = await self._database.run(None, work)
        more = len(rows) > limit
        return Page(
            items=[reading(row) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1]["parked_id"]) if more else None,
        )

    async def parked_event(self, tenant: TenantId | None, parked_id: ParkedId) -> Parked:
        """Raises ParkedEventNotFound."""
        row = await self._database.run(None, lambda session: parked_row(session, tenant, parked_id))
        if row is None:
            raise ParkedEventNotFound
        return reading(row)


async def _attempt_all(  # noqa: PLR0913, PLR0917 - the rules of parking on one screen
    events: Sequence[RecordedEvent], apply: Apply, blocked: set[str], limit: int, attempt: int, start: Position
) -> _Outcome:
    outcome = _Outcome(reached=events[-1].position if events else start)
    free = [event for event in events if event.subject not in blocked]
    outcome.parked = [(event, BlockedBySubject()) for event in events if event.subject in blocked]
    if not free:
        return outcome
    try:
        await apply(free)
    except _NOT_THE_EVENTS_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 - told apart one by one below
        log.info("bus.batch_failed", events=len(free), reason=str(error))
    else:
        outcome.handled = len(free)
        return outcome
    return await _one_by_one(events, apply, blocked, limit, attempt, start)


async def _one_by_one(  # noqa: PLR0913, PLR0917 - the rules of parking on one screen
    events: Sequence[RecordedEvent], apply: Apply, blocked: set[str], limit: int, attempt: int, start: Position
) -> _Outcome:
    outcome = _Outcome(reached=start)
    for event in events:
        if event.subject in blocked:
            outcome.parked.append((event, BlockedBySubject()))
        else:
            try:
                await apply([event])
            except _NOT_THE_EVENTS_FAULT:
                raise
            except Exception as error:  # noqa: BLE001 - kept as the reason, or raised after what came before is kept
                if not isinstance(error, Refused) and attempt < limit:
                    outcome.failure = error
                    return outcome
                outcome.parked.append((event, error))
                blocked = blocked | {event.subject}
            else:
                outcome.handled += 1
        outcome.reached = event.position
    return outcome


_NOT_THE_EVENTS_FAULT = (
    Unavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    OSError,
)

_STATES = """
SELECT known.tenant_id, coalesce(c.xid, '0'::xid8) AS xid, coalesce(c.seq, 0) AS seq,
       coalesce(c.updated_at, known.created_at) AS updated_at,
       (SELECT count(*) FROM events e WHERE e.tenant_id = known.tenant_id AND e.type = ANY($3)
          AND (e.xid, e.seq) > (coalesce(c.xid, '0'::xid8), coalesce(c.seq, 0))) AS lag,
       (SELECT count(*) FROM bus_parked p WHERE p.subscription = $1 AND p.tenant_id = known.tenant_id) AS parked
FROM (SELECT id AS tenant_id, created_at FROM security_tenant WHERE status = 'active') AS known
LEFT JOIN bus_cursor c ON c.subscription = $1 AND c.tenant_id = known.tenant_id
WHERE $2::text IS NULL OR known.tenant_id = $2
ORDER BY known.tenant_id
"""

def _key(batch: Batch) -> str:
    return f"bus_cursor/{batch.subscription}/{batch.tenant_id}"
