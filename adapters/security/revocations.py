"""Learns at once, from PostgreSQL, which API keys, tenants and rules have changed, for who remembers them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import structlog

from adapters.postgres.changes import CHANNEL
from adapters.postgres.database import Database
from domain.kernel.errors import Unavailable

_PAUSE_SECONDS = 0.5
log = structlog.get_logger(__name__)


class Revocations:
    """While `is_heard`, whoever listens is told within milliseconds of the commit, in every process."""

    def __init__(self) -> None:
        self.is_heard = False
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, told: Callable[[str], None]) -> None:
        """Call this with the id of everything that changes."""
        self._listeners.append(told)

    def tell(self, key_id: str) -> None:
        """The key has changed. Who changed it in this process says so, and need not wait for PostgreSQL's word."""
        for told in self._listeners:
            told(key_id)

    @asynccontextmanager
    async def heard_from(self, database: Database) -> AsyncIterator[None]:
        """Listen for the length of the block, on one connection of the pool."""
        task = asyncio.create_task(self._listen(database))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self, database: Database) -> None:
        while True:
            try:
                await self._until_lost(database)
                log.warning("revocations.unheard", reason="the connection was lost")
            except (Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("revocations.unheard", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _until_lost(self, database: Database) -> None:
        lost = asyncio.Event()

        def ended(_: Any) -> None:
            lost.set()

        def changed(*about: Any) -> None:
            self.tell(about[-1])

        async with database.connection() as connection:
            connection.add_termination_listener(ended)
            await connection.add_listener(CHANNEL, changed)
            self.is_heard = True
            try:
                await lost.wait()
            finally:
                self.is_heard = False
                if not connection.is_closed():
                    await connection.remove_listener(CHANNEL, changed)
                    connection.remove_termination_listener(ended)
