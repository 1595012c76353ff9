"""The two turns of a subscription: a round of a tenant's next events, and one parked event tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.bus.handlers import EventHandler
from adapters.bus.parking import blocked_subjects, count_parked, oldest_parked, park, unpark
from adapters.bus.store import COLUMNS, recorded
from adapters.bus.trials import Apply, Outcome, Trial, is_circumstance
from adapters.postgres.session import Session
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Batch, Parked, Progress
from domain.kernel.ids import TenantId

ROUND = 1000


@dataclass(frozen=True, slots=True)
class Ahead:
    """Where the cursor stands, what comes next, and the subjects that must wait."""

    cursor: Position
    events: Sequence[RecordedEvent] = ()
    blocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Round:
    """Up to ROUND events of these types behind the cursor."""

    handler: EventHandler
    types: Sequence[str]
    batch: Batch
    attempt: int

    async def look(self, session: Session) -> Ahead:
        """The next events, unless the tenant is not ready for them."""
        name, tenant = self.batch.subscription, self.batch.tenant_id
        row = await session.sql.fetchrow(
            "SELECT xid, seq FROM bus_cursor WHERE subscription = $1 AND tenant_id = $2", name, tenant
        )
        cursor = Position(row["xid"], row["seq"]) if row else START
        if not await self.handler.ready(session, tenant):
            return Ahead(cursor)
        rows = await session.sql.fetch(
            f"SELECT {COLUMNS} FROM events WHERE tenant_id = $1 AND type = ANY($2) "
            "AND (xid, seq) > ($3::xid8, $4::bigint) AND (xid, seq) <= ($5::xid8, $6::bigint) "
            "ORDER BY xid, seq LIMIT $7",
            *(tenant, self.types, *cursor, *self.batch.up_to, ROUND),
        )
        blocked = await blocked_subjects(session, name, tenant) if rows else {}
        return Ahead(cursor, [recorded(row) for row in rows], frozenset(blocked))

    async def act(self, seen: Ahead, apply: Apply) -> Outcome:
        """Try them."""
        trial = Trial(apply, seen.blocked, attempt=self.attempt, limit=self.handler.subscription.attempts)
        return await trial.run(seen.events)

    async def settle(self, session: Session, seen: Ahead, done: Outcome) -> tuple[Progress, Exception | None]:
        """Park, move the cursor, and say how far we are; `more` if events were left or may be behind a full round."""
        name, tenant, cursor = self.batch.subscription, self.batch.tenant_id, done.reached or seen.cursor
        for aside in done.parked:
            await park(session, name, aside)
        if done.reached is not None:
            await session.sql.execute(
                "INSERT INTO bus_cursor (subscription, tenant_id, xid, seq, handled) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (subscription, tenant_id) DO UPDATE SET (xid, seq, handled, updated_at) "
                "= (excluded.xid, excluded.seq, bus_cursor.handled + excluded.handled, now())",
                *(name, tenant, *cursor, done.taken),
            )
        progress = Progress(
            cursor=cursor,
            handled=done.taken,
            parked=await count_parked(session, name, tenant),
            more=bool(seen.events) and (len(seen.events) == ROUND or cursor != seen.events[-1].position),
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
