"""Reads the event store: pages and stories for callers, and the fenced stream for the relay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from domain.bus.errors import EventNotFound
from domain.bus.event import EventId, EventMetadata, Position, RecordedEvent
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page, decode_cursor, encode_cursor


def columns(table: str = "events") -> str:
    """What `recorded` reads; JSON as text, because most readers look at a few events of many."""
    plain = ("xid", "seq", "id", "type", "version", "timestamp", "source", "tenant_id", "user_id", "subject")
    return ", ".join([*(f"{table}.{name}" for name in plain), f"{table}.data::text", f"{table}.metadata::text"])


# What a transaction older than the oldest running one wrote is final: nothing can appear before it any more.
FENCED = f"""
SELECT {columns()} FROM platform.events
WHERE (xid, seq) > ($1::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, seq LIMIT $3
"""

_PAGE = f"""
SELECT {columns()} FROM platform.events
WHERE ($1::text IS NULL OR tenant_id = $1) AND (cardinality($2::text[]) = 0 OR type = ANY($2))
  AND ($3::text IS NULL OR subject = $3) AND ($4::text IS NULL OR metadata ->> 'correlationId' = $4)
  AND ($5::timestamptz IS NULL OR timestamp >= $5)
  AND ($6::xid8 IS NULL OR (xid, seq) < ($6::xid8, $7::bigint))
ORDER BY xid DESC, seq DESC LIMIT $8
"""

_FENCE_AGE = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8
FROM pg_stat_activity WHERE backend_xid IS NOT NULL
"""


def recorded(row: Any) -> RecordedEvent:
    """An event from its row, without validation: it was validated when it was written."""
    told = orjson.loads(row["metadata"])
    return RecordedEvent.trusted(
        id=EventId(row["id"]),
        type=row["type"],
        version=row["version"],
        timestamp=row["timestamp"],
        source=row["source"],
        tenant_id=TenantId(row["tenant_id"]) if row["tenant_id"] else None,
        user_id=row["user_id"],
        subject=row["subject"],
        data=orjson.loads(row["data"]),
        metadata=EventMetadata.trusted(
            correlation_id=told.get("correlationId"),
            causation_id=told.get("causationId"),
            request_id=told.get("requestId"),
            traceparent=told.get("traceparent"),
        ),
        position=Position(row["xid"], row["seq"]),
    )


class PostgresEventReader:
    """The event store, read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, position: Position, *, limit: int) -> Sequence[RecordedEvent]:
        """Behind the fence, in order."""
        async with self._database.connection() as connection:
            return [recorded(row) for row in await connection.fetch(FENCED, *position, limit)]

    async def page(
        self,
        tenant: TenantId | None,
        *,
        types: Sequence[str] = (),
        subject: str | None = None,
        correlation_id: str | None = None,
        since: datetime | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Page[RecordedEvent]:
        """Newest first."""
        before = decode_cursor(cursor, int, int) if cursor else (None, None)

        async def work(session: Session) -> list[Any]:
            return await session.sql.fetch(
                _PAGE, tenant, list(types), subject, correlation_id, since, *before, limit + 1
            )

        rows = await self._database.read(tenant, work)
        page = [recorded(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items=page, next_cursor=encode_cursor(*page[-1].position) if more else None)

    async def get(self, tenant: TenantId | None, event_id: EventId) -> RecordedEvent:
        """One event. Raises EventNotFound."""

        async def work(session: Session) -> Any:
            return await session.sql.fetchrow(
                f"SELECT {columns()} FROM platform.events WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2)",
                event_id,
                tenant,
            )

        row = await self._database.read(tenant, work)
        if row is None:
            raise EventNotFound
        return recorded(row)

    async def story(self, tenant: TenantId | None, correlation_id: str) -> Sequence[RecordedEvent]:
        """Oldest first."""

        async def work(session: Session) -> list[Any]:
            return await session.sql.fetch(
                f"SELECT {columns()} FROM platform.events "
                "WHERE metadata ? 'correlationId' AND metadata ->> 'correlationId' = $1 "
                "AND ($2::text IS NULL OR tenant_id = $2) ORDER BY xid, seq",
                correlation_id,
                tenant,
            )

        return [recorded(row) for row in await self._database.read(tenant, work)]

    async def fence_age_seconds(self) -> float:
        """Age of the oldest writing transaction of the whole server."""
        async with self._database.connection() as connection:
            age: float = await connection.fetchval(_FENCE_AGE)
            return age
