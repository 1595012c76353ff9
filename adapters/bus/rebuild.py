"""Replays a projection into a shadow table, compares it with the live one, and swaps them on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from adapters.bus.store import columns, recorded
from adapters.bus.transport import is_lost, unlock
from adapters.bus.turns import turn_key
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from domain.bus.catalogue import Catalogue
from domain.bus.errors import NotAProjection
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Rebuild, RebuildReport, Subscription

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

CHUNK = 5000
SHADOW = "pg_temp.shadow"


class Projection(Protocol):
    """A handler whose whole effect is one table of the tenant's schema."""

    subscription: Subscription
    table: str

    async def apply(self, session: Session, table: str, events: Sequence[RecordedEvent]) -> None:
        """Apply events to this table."""
        ...


class PostgresRebuilder:
    """The live projection is held still meanwhile; no transaction stays open longer than a chunk, so readers flow."""

    def __init__(self, database: Database, projections: Sequence[Projection], catalogue: Catalogue) -> None:
        self._database, self._catalogue = database, catalogue
        self._projections = {projection.subscription.name: projection for projection in projections}

    async def rebuild(self, cmd: Rebuild, *, heartbeat: Callable[..., None]) -> RebuildReport:
        """See `domain.bus.ports.Rebuilder`."""
        projection = self._projections.get(cmd.subscription)
        if projection is None:
            raise NotAProjection(subscription=cmd.subscription)
        types = [cls.about.type for cls in self._catalogue if projection.subscription.wants(cls.about.type)]
        async with self._database.connection() as connection:
            replay = _Replay(connection, projection, cmd, types)
            async with replay.held_still():
                events = await replay.apply_all(heartbeat)
                return await replay.compare(events)


@dataclass(frozen=True, slots=True)
class _Replay:
    connection: PoolConnectionProxy[asyncpg.Record]
    projection: Projection
    cmd: Rebuild
    types: Sequence[str]

    @property
    def live(self) -> str:
        return f'"{self.cmd.tenant_id}".{self.projection.table}'

    @asynccontextmanager
    async def held_still(self) -> AsyncIterator[None]:
        """Nothing is delivered to this projection, and there is an empty shadow of it."""
        key = turn_key(self.cmd.subscription, self.cmd.tenant_id)
        await self.connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", key)
        try:
            async with self.as_tenant() as session:
                await session.sql.execute(f"CREATE TEMP TABLE shadow (LIKE {self.live} INCLUDING ALL)")
            yield
        finally:
            if not is_lost(self.connection):
                async with self.as_tenant() as session:
                    await session.sql.execute(f"DROP TABLE IF EXISTS {SHADOW}")
            await unlock(self.connection, key)

    @asynccontextmanager
    async def as_tenant(self) -> AsyncIterator[Session]:
        """One transaction with the tenant's rights."""
        session = Session(self.connection, self.cmd.tenant_id)
        async with self.connection.transaction(), session.acting_as(self.cmd.tenant_id):
            yield session

    async def apply_all(self, heartbeat: Callable[..., None]) -> int:
        """Apply every event up to the cursor, except parked ones, to the shadow; how many there were."""
        end = await self.connection.fetchrow(
            "SELECT xid, seq FROM bus_cursor WHERE subscription = $1 AND tenant_id = $2",
            self.cmd.subscription,
            self.cmd.tenant_id,
        )
        upper = Position(end["xid"], end["seq"]) if end else START
        position, done = START, 0
        while events := await self._chunk(position, upper):
            async with self.as_tenant() as session:
                await self.projection.apply(session, SHADOW, events)
            position, done = events[-1].position, done + len(events)
            heartbeat(done)
        return done

    async def _chunk(self, position: Position, upper: Position) -> list[RecordedEvent]:
        rows = await self.connection.fetch(
            f"SELECT {columns('e')} FROM events e WHERE tenant_id = $1 AND type = ANY($2) "
            "AND (xid, seq) > ($3::xid8, $4::bigint) AND (xid, seq) <= ($5::xid8, $6::bigint) "
            "AND NOT EXISTS (SELECT 1 FROM bus_parked p WHERE p.subscription = $7 AND p.event_id = e.id) "
            f"ORDER BY xid, seq LIMIT {CHUNK}",
            *(self.cmd.tenant_id, self.types, *position, *upper, self.cmd.subscription),
        )
        return [recorded(row) for row in rows]

    async def compare(self, events: int) -> RebuildReport:
        """Find rows that are in one of the two only; replace the live ones if there are and the command says so."""
        async with self.as_tenant() as session:
            sql, live = session.sql, self.live
            differing = await sql.fetch(
                f"(SELECT 'only live: ' || l::text AS row FROM (TABLE {live} EXCEPT TABLE {SHADOW}) l) UNION ALL "
                f"(SELECT 'only replayed: ' || s::text FROM (TABLE {SHADOW} EXCEPT TABLE {live}) s) LIMIT 10"
            )
            live_rows = await sql.fetchval(f"SELECT count(*) FROM {live}")
            shadow_rows = await sql.fetchval(f"SELECT count(*) FROM {SHADOW}")
            swap = self.cmd.swap and bool(differing)
            if swap:
                await sql.execute(f"DELETE FROM {live}")
                await sql.execute(f"INSERT INTO {live} TABLE {SHADOW}")
        return RebuildReport(
            subscription=self.cmd.subscription,
            tenant_id=self.cmd.tenant_id,
            events=events,
            live_rows=live_rows,
            shadow_rows=shadow_rows,
            equal=not differing,
            swapped=swap,
            differences=tuple(row["row"] for row in differing),
        )
