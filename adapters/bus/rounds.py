"""The two turns of a subscription: a round of a tenant's next events, and one parked event tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adapters.bus.attendance import PROMISE
from adapters.bus.handlers import EventHandler
from adapters.bus.parking import blocked_subjects, count_parked, oldest_parked, park, unpark
from adapters.bus.store import columns, recorded
from adapters.bus.trials import Apply, Outcome, Trial, is_circumstance
from adapters.postgres.session import Session
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Batch, Parked, Progress
from domain.kernel.ids import TenantId

ROUND = 1000


_STATE = """
SELECT cursor.xid, cursor.seq, cursor.attended_until > clock_timestamp() AS attended,
       (SELECT count(*) FROM bus_parked WHERE subscription = $1 AND tenant_id = $2) AS parked
FROM (VALUES (1)) AS one LEFT JOIN bus_cursor AS cursor ON subscription = $1 AND tenant_id = $2
"""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Where the cursor stands, what comes next, and the subjects that must wait.

    attended: a promise to look again is out; parked: events set aside so far.
    """

    cursor: Position
    attended: bool
    parked: int
    events: Sequence[RecordedEvent] = ()
    blocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Round:
    """Up to ROUND events of these types, from the cursor to the fence: what is final is worth taking along.

    After a first attempt the reader stays if there was more than it had been told of.
    """

    handler: EventHandler
    types: Sequence[str]
    batch: Batch
    attempt: int

    async def look(self, session: Session) -> Ahead:
        """The next events, unless the tenant is not ready for them."""
        name, tenant = self.batch.subscription, self.batch.tenant_id
        [state] = await session.sql.fetch(_STATE, name, tenant)
        cursor = Position(state["xid"], state["seq"]) if state["xid"] is not None else START
        ahead = Ahead(cursor, attended=bool(state["attended"]), parked=state["parked"])
        rows = await session.sql.fetch(
            f"SELECT {columns()} FROM events WHERE tenant_id = $1 AND type = ANY($2) "
            "AND (xid, seq) > ($3::xid8, $4::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot()) "
            "ORDER BY xid, seq LIMIT $5",
            *(tenant, self.types, *cursor, ROUND),
        )
        if not rows or not await self.handler.ready(session, tenant):
            return ahead
        blocked = await blocked_subjects(session, name, tenant) if ahead.parked else {}
        return replace(ahead, events=[recorded(row) for row in rows], blocked=frozenset(blocked))

    async def act(self, seen: Ahead, apply: Apply) -> Outcome:
        """Try them."""
        trial = Trial(apply, seen.blocked, attempt=self.attempt, limit=self.handler.subscription.attempts)
        return await trial.run(seen.events)

    async def settle(self, session: Session, seen: Ahead, done: Outcome) -> tuple[Progress, Exception | None]:
        """Park, move the cursor, and say how far we are."""
        name, tenant, cursor = self.batch.subscription, self.batch.tenant_id, done.reached or seen.cursor
        for aside in done.parked:
            await park(session, name, aside)
        stays = self.attempt == 1 and done.reached is not None and done.reached > self.batch.up_to
        if done.reached is not None or seen.attended:
            await session.sql.execute(
                "INSERT INTO bus_cursor (subscription, tenant_id, xid, seq, handled, attended_until) "
                "VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN clock_timestamp() + $7 ELSE '-infinity' END) "
                "ON CONFLICT (subscription, tenant_id) DO UPDATE SET (xid, seq, handled, updated_at, attended_until) "
                "= (excluded.xid, excluded.seq, bus_cursor.handled + excluded.handled, now(), excluded.attended_until)",
                *(name, tenant, *cursor, done.taken, stays, PROMISE),
            )
        left = bool(seen.events) and (len(seen.events) == ROUND or cursor != seen.events[-1].position)
        progress = Progress(
            cursor=cursor,
            handled=done.taken,
            parked=await count_parked(session, name, tenant) if done.parked else seen.parked,
            # Who takes a promise back looks once more, for those who relied on it.
            more=left or (seen.attended and not stays),
            stays=stays,
        )
        return progress, done.failure


@dataclass(frozen=True, slots=True)
class Redelivery:
    """The oldest parked event of a subject; the others of the subject keep waiting for it."""

    subscription: str
    tenant: TenantId
    subject: str

    async def look(self, session: Session) -> Parked | None:
        """Find it."""
        return await oldest_parked(session, self.subscription, self.tenant, self.subject)

    async def act(self, seen: Parked | None, apply: Apply) -> Exception | None:
        """Try it. Raises what is nobody's fault."""
        if seen is None:
            return None
        try:
            await apply([seen.event])
        except Exception as error:
            if is_circumstance(error):
                raise
            return error
        return None

    async def settle(self, session: Session, seen: Parked | None, done: Exception | None) -> bool:
        """Forget it, or keep the new reason; whether the next one of the subject may follow."""
        if seen is None:
            return False
        await unpark(session, seen.id, failed=done)
        return done is None
