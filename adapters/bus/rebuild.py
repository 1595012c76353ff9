"""Replays a projection into a shadow table, compares it with the live one, and swaps them on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from adapters.bus.store import COLUMNS, recorded
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from domain.bus.catalogue import Catalogue
from domain.bus.errors import NotAProjection
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Rebuild, RebuildReport, Subscription

CHUNK = 5000


class Projection(Protocol):
    """A handler whose whole effect is one table of the tenant's schema."""

    subscription: Subscription
    table: str

    async def apply(self, session: Session, table: str, events: Sequence[RecordedEvent]) -> None:
        """Apply events to this table."""
        ...


class PostgresRebuilder:
    """One transaction: the live projection is held still while it is compared, readers are not blocked."""

    def __init__(self, database: Database, projections: Sequence[Projection], catalogue: Catalogue) -> None:
        self._database, self._catalogue = database, catalogue
        self._projections = {projection.subscription.name: projection for projection in projections}

    async def rebuild(self, cmd: Rebuild, *, heartbeat: Callable[..., None]) -> RebuildReport:
        """See `domain.bus.ports.Rebuilder`."""
        projection = self._projections.get(cmd.subscription)
        if projection is None:
            raise NotAProjection(subscription=cmd.subscription)
        return await self._database.run(None, lambda session: self._replay(session, projection, cmd, heartbeat))

    async def _replay(
        self, session: Session, projection: Projection, cmd: Rebuild, heartbeat: Callable[..., None]
    ) -> RebuildReport:
        sql, live = session.sql, f'"{cmd.tenant_id}".{projection.table}'
        async with session.acting_as(cmd.tenant_id):
            await sql.execute(f"CREATE TEMP TABLE shadow (LIKE {live} INCLUDING ALL) ON COMMIT DROP")
        await sql.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"bus_cursor/{cmd.subscription}/{cmd.tenant_id}"
        )
        end = await sql.fetchrow(
            "SELECT xid, seq FROM bus_cursor WHERE subscription = $1 AND tenant_id = $2", cmd.subscription, cmd.tenant_id
        )
        events = await self._apply_all(session, projection, cmd, end, heartbeat)
        async with session.acting_as(cmd.tenant_id):
            return await self._compare(sql, cmd, live, events)

    async def _apply_all(
        self, session: Session, projection: Projection, cmd: Rebuild, end: Any, heartbeat: Callable[..., None]
    ) -> int:
        types = [cls.about.type for cls in self._catalogue if projection.subscription.wants(cls.about.type)]
        position, done = START, 0
        upper = Position(end["xid"], end["seq"]) if end else START
        while True:
            rows = await session.sql.fetch(
                f"SELECT {COLUMNS} FROM events e WHERE tenant_id = $1 AND type = ANY($2) "
                "AND (xid, seq) > ($3::xid8, $4::bigint) AND (xid, seq) <= ($5::xid8, $6::bigint) "
                "AND NOT EXISTS (SELECT 1 FROM bus_parked p WHERE p.subscription = $7 AND p.event_id = e.id) "
                f"ORDER BY xid, seq LIMIT {CHUNK}",
                *(cmd.tenant_id, types, *position, *upper, cmd.subscription),
            )
            if not rows:
                return done
            async with session.acting_as(cmd.tenant_id):
                await projection.apply(session, "pg_temp.shadow", [recorded(row) for row in rows])
            position = Position(rows[-1]["xid"], rows[-1]["seq"])
            done += len(rows)
            heartbeat(done)

    async def _compare(self, sql: Any, cmd: Rebuild, live: str, events: int) -> RebuildReport:
        differing = await sql.fetch(
            f"(SELECT 'only live: ' || l::text AS row FROM (TABLE {live} EXCEPT TABLE pg_temp.shadow) l) UNION ALL "
            f"(SELECT 'only replayed: ' || s::text FROM (TABLE pg_temp.shadow EXCEPT TABLE {live}) s) LIMIT 10"
        )
        swap = cmd.swap and bool(differing)
        counts = await sql.fetchrow(
            f"SELECT (SELECT count(*) FROM {live}) AS live, (SELECT count(*) FROM pg_temp.shadow) AS shadow"
        )
        if swap:
            await sql.execute(f"DELETE FROM {live}")
            await sql.execute(f"INSERT INTO {live} TABLE pg_temp.shadow")
        return RebuildReport(
            subscription=cmd.subscription,
            tenant_id=cmd.tenant_id,
            events=events,
            live_rows=counts["live"],
            shadow_rows=counts["shadow"],
            equal=not differing,
            swapped=swap,
            differences=tuple(row["row"] for row in differing),
        )
