"""The default transport: readers follow the event store itself, behind the fence, from a stored cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg
import structlog

from adapters.bus.store import FENCED, recorded
from adapters.postgres.database import Database
from adapters.postgres.wakeups import heard_on
from domain.bus.event import START, Position, RecordedEvent

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

log = structlog.get_logger(__name__)

BATCH = 2000
IDLE_SECONDS = 0.25
# After a wake-up an earlier transaction may still hold the fence back: look again soon, then less often.
_IMPATIENT_SECONDS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
_TAKE_OVER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """Events from the store; acknowledging moves the reader's cursor."""

    events: Sequence[RecordedEvent]
    reader: str
    database: Database

    async def ack(self) -> None:
        """Remember that everything up to the last event was handled."""
        await self.database.statement(
            "INSERT INTO platform.bus_reader (name, xid, seq) VALUES ($1, $2, $3) "
            "ON CONFLICT (name) DO UPDATE SET (xid, seq, updated_at) = (excluded.xid, excluded.seq, now())",
            self.reader,
            *self.events[-1].position,
        )


class PostgresTransport:
    """Follows the store. Several processes may ask to be the same reader: one is, the others stand by."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deliveries(self, reader: str) -> AsyncIterator[StoredDelivery]:
        """Endless; a lost database connection ends it with an error, and the caller asks anew."""
        async with self._database.connection() as connection, leading(connection, reader), heard_on(connection) as heard:
            position = await self._position(connection, reader)
            impatience = iter(_IMPATIENT_SECONDS)
            while True:
                heard.clear()
                rows = await connection.fetch(FENCED, *position, BATCH)
                if rows:
                    events = [recorded(row) for row in rows]
                    yield StoredDelivery(events, reader, self._database)
                    position = events[-1].position
                    impatience = iter(_IMPATIENT_SECONDS)
                    continue
                try:
                    await asyncio.wait_for(heard.wait(), next(impatience, IDLE_SECONDS))
                    impatience = iter(_IMPATIENT_SECONDS)
                except TimeoutError:
                    pass

    async def _position(self, connection: PoolConnectionProxy[asyncpg.Record], reader: str) -> Position:
        row = await connection.fetchrow("SELECT xid, seq FROM platform.bus_reader WHERE name = $1", reader)
        return Position(row["xid"], row["seq"]) if row else START


@asynccontextmanager
async def leading(connection: PoolConnectionProxy[asyncpg.Record], reader: str) -> AsyncIterator[None]:
    """Wait until this process is the one that reads under this name; PostgreSQL frees the place if it dies."""
    key = f"bus_reader/{reader}"
    while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key):
        await asyncio.sleep(_TAKE_OVER_SECONDS)
    log.info("bus.reader_leads", reader=reader)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", key)
