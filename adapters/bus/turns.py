"""One delivery at a time per subscription and tenant: look, act, settle, with the act in our database or beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from adapters.bus.handlers import EventHandler
from adapters.bus.transport import unlock
from adapters.bus.trials import Apply
from adapters.postgres.database import Database
from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from domain.bus.event import RecordedEvent
from domain.kernel.ids import TenantId

Seen = TypeVar("Seen")
Done = TypeVar("Done")
Told_co = TypeVar("Told_co", covariant=True)

_ACQUIRE_SECONDS = 10.0


class Step(Protocol[Seen, Done, Told_co]):
    """What a turn does: reads, lets the handler work, and remembers what came of it."""

    async def look(self, session: Session) -> Seen:
        """Read what there is to do."""
        ...

    async def act(self, seen: Seen, apply: Apply) -> Done:
        """Hand events to `apply`: it takes them all, or raises and takes none."""
        ...

    async def settle(self, session: Session, seen: Seen, done: Done) -> Told_co:
        """Write down what was done."""
        ...


def turn_key(subscription: str, tenant: TenantId) -> str:
    """The lock of this subscription and tenant, for whoever moves its cursor, parked events or projection."""
    return f"bus_cursor/{subscription}/{tenant}"


class Turns:
    """Runs steps in turn.

    A step beside the database keeps a connection for its lock while others do the reading and writing; a third of
    the pool may be kept like that, so that the rest is always enough to end them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places = asyncio.Semaphore(max(database.pool.get_max_size() // 3, 1))

    async def take(self, handler: EventHandler, tenant: TenantId, step: Step[Seen, Done, Told_co]) -> Told_co:
        """Wait for this subscription's and tenant's turn and run the step."""
        if handler.in_transaction:
            return await self._within(handler, tenant, step)
        return await self._beside(handler, tenant, step)

    async def _within(self, handler: EventHandler, tenant: TenantId, step: Step[Seen, Done, Told_co]) -> Told_co:
        async def work(session: Session) -> Told_co:
            async def apply(events: Sequence[RecordedEvent]) -> None:
                async with session.attempt_as(tenant):
                    await handler.handle(session, tenant, events)

            await hold(session, turn_key(handler.subscription.name, tenant))
            seen = await step.look(session)
            return await step.settle(session, seen, await step.act(seen, apply))

        return await self._database.run(None, work)

    async def _beside(self, handler: EventHandler, tenant: TenantId, step: Step[Seen, Done, Told_co]) -> Told_co:
        async def apply(events: Sequence[RecordedEvent]) -> None:
            await handler.handle(None, tenant, events)

        # The effect is elsewhere and may take long: no writing transaction may be open meanwhile, for it
        # would hold back every reader of events.
        async with self._places, self._locked(turn_key(handler.subscription.name, tenant)):
            seen = await self._database.run(None, step.look)
            done = await step.act(seen, apply)
            return await self._database.run(None, lambda session: step.settle(session, seen, done))

    @asynccontextmanager
    async def _locked(self, key: str) -> AsyncIterator[None]:
        # Not `database.connection()`: it takes the handler's own troubles with files and networks for the database's.
        async with self._database.pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", key)
            try:
                yield
            finally:
                await unlock(connection, key)
