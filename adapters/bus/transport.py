"""The default transport: readers follow the event store itself, behind the fence, from a stored cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import structlog

from adapters.bus.store import FENCED, recorded
from adapters.postgres.database import Database
from adapters.postgres.wakeups import heard_on
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.ports import Arrival
from domain.kernel.ids import TenantId

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

log = structlog.get_logger(__name__)

RELAY = "relay"
BATCH = 2000
IDLE_SECONDS = 0.25
# After a wake-up an earlier transaction may still hold the fence back: look again soon, then less often.
_IMPATIENT_SECONDS = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064)
_TAKE_OVER_SECONDS = 1.0
_ACQUIRE_SECONDS = 10.0


class StoredArrival:
    """A row of the event store, read as far as somebody asks."""

    __slots__ = ("_row", "position", "tenant_id", "timestamp", "type")

    def __init__(self, row: asyncpg.Record) -> None:
        self._row = row
        self.type: str = row["type"]
        self.tenant_id: TenantId | None = row["tenant_id"]
        self.timestamp: datetime = row["timestamp"]
        self.position = Position(row["xid"], row["seq"])

    def event(self) -> RecordedEvent:
        """All of it."""
        return recorded(self._row)


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """Events in order; acknowledging moves the reader's cursor in the database."""

    arrivals: Sequence[Arrival]
    reader: str
    database: Database

    async def ack(self) -> None:
        """Remember that everything up to the last event was handled."""
        # A reader that lost its lead unawares may still finish: it must not move its successor back.
        await self.database.statement(
            "INSERT INTO platform.bus_reader (name, xid, seq) VALUES ($1, $2, $3) "
            "ON CONFLICT (name) DO UPDATE SET (xid, seq, updated_at) = (excluded.xid, excluded.seq, now()) "
            "WHERE (bus_reader.xid, bus_reader.seq) < (excluded.xid, excluded.seq)",
            self.reader,
            *self.arrivals[-1].position,
        )


class PostgresTransport:
    """Follows the store. Several processes may ask to be the same reader: one is, the others stand by."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def deliveries(self, reader: str) -> AsyncGenerator[StoredDelivery, None]:
        """Endless; a lost database connection ends it with an error, and the caller asks anew."""
        async with leading(self._database, reader) as connection:
            position = await stored_position(connection, reader)
            async with aclosing(follow(connection, position)) as batches:
                async for arrivals in batches:
                    yield StoredDelivery(arrivals, reader, self._database)


async def stored_position(connection: PoolConnectionProxy[asyncpg.Record], reader: str) -> Position:
    """Up to where this reader has acknowledged."""
    row = await connection.fetchrow("SELECT xid, seq FROM platform.bus_reader WHERE name = $1", reader)
    return Position(row["xid"], row["seq"]) if row else START


async def follow(
    connection: PoolConnectionProxy[asyncpg.Record], position: Position
) -> AsyncGenerator[Sequence[StoredArrival], None]:
    """What is committed after this position and final, in order, for ever."""
    async with heard_on(connection) as heard:
        impatience = iter(_IMPATIENT_SECONDS)
        while True:
            heard.clear()
            rows = await connection.fetch(FENCED, *position, BATCH)
            if rows:
                arrivals = [StoredArrival(row) for row in rows]
                yield arrivals
                position = arrivals[-1].position
                impatience = iter(_IMPATIENT_SECONDS)
                continue
            try:
                # Not `wait_for`: until Python 3.12 it loses a cancellation that comes together with a wake-up.
                async with asyncio.timeout(next(impatience, IDLE_SECONDS)):
                    await heard.wait()
                impatience = iter(_IMPATIENT_SECONDS)
            except TimeoutError:
                pass


@asynccontextmanager
async def leading(database: Database, reader: str) -> AsyncIterator[PoolConnectionProxy[asyncpg.Record]]:
    """Wait until this process is the one that reads under this name; PostgreSQL frees the place if it dies.

    The leader keeps one connection of the pool, whose lock is the place. Standing by keeps none.
    """
    key = f"bus_reader/{reader}"
    while True:
        async with database.pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key):
                log.info("bus.reader_leads", reader=reader)
                try:
                    yield connection
                finally:
                    await unlock(connection, key)
                return
        await asyncio.sleep(_TAKE_OVER_SECONDS)


async def unlock(connection: PoolConnectionProxy[asyncpg.Record], key: str) -> None:
    """Give a session's lock back; it has gone by itself if the connection has."""
    if not is_lost(connection):
        await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", key)


def is_lost(connection: PoolConnectionProxy[asyncpg.Record]) -> bool:
    """Whether this connection has gone, and its locks with it."""
    try:
        if not connection.is_closed():
            return False
        # asyncpg does not always notice that what the pool lent out is lost; the pool would be one smaller for good.
        connection.terminate()
    except asyncpg.InterfaceError:
        # The pool has taken it back.
        return True
    return True
