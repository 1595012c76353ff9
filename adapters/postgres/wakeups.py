"""Tells other processes that events were committed, a hundred times a second at most.

PostgreSQL serialises commits that carry a NOTIFY, so it is sent by itself, after the fact, once for many.
A wake-up that is lost costs nothing but the readers' polling interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from adapters.postgres.database import Database
from domain.kernel.errors import HarborGridError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

CHANNEL = "harborgrid_events"
_PAUSE_SECONDS = 0.01
log = structlog.get_logger(__name__)


class Wakeups:
    """Coalesces `announce` calls into one NOTIFY."""

    def __init__(self) -> None:
        self._pending = asyncio.Event()

    def announce(self) -> None:
        """Something was committed."""
        self._pending.set()

    @asynccontextmanager
    async def sent_through(self, database: Database) -> AsyncIterator[None]:
        """Send wake-ups for the length of the block."""
        task = asyncio.create_task(self._send(database))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _send(self, database: Database) -> None:
        while True:
            await self._pending.wait()
            self._pending.clear()
            try:
                await database.statement(f"NOTIFY {CHANNEL}")
            except (HarborGridError, asyncpg.PostgresError) as error:
                log.warning("wakeup.lost", reason=type(error).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def heard_on(connection: PoolConnectionProxy[asyncpg.Record]) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever a wake-up arrives on this connection."""
    heard = asyncio.Event()

    def listener(*_: Any) -> None:
        heard.set()

    await connection.add_listener(CHANNEL, listener)
    try:
        yield heard
    finally:
        if not connection.is_closed():
            await connection.remove_listener(CHANNEL, listener)
