"""Delivery: events in order, effect and cursor together, and what cannot be handled set aside with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.bus.attendance import Targets, unattended
from adapters.bus.handlers import EventHandler
from adapters.bus.parking import ROWS, parked_row, reading, subjects_to_redeliver
from adapters.bus.rounds import Redelivery, Round
from adapters.bus.transport import RELAY
from adapters.bus.turns import Turns
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.telemetry.metrics import DELIVERED_EVENTS
from domain.bus.catalogue import Catalogue
from domain.bus.errors import ParkedEventNotFound, SubscriptionNotFound
from domain.bus.event import Position
from domain.bus.model import Batch, Parked, ParkedId, Progress, SubscriptionKind, SubscriptionState
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page, decode_cursor, encode_cursor

ROUNDS = 20
# A reader that stays rests between its looks: an effect elsewhere costs more, and is worth gathering for.
REST_SECONDS = {True: 0.025, False: 0.5}


class PostgresSubscriptions:
    """Every subscription's cursors and parked events. `rests`: seconds by a handler's `in_transaction`."""

    def __init__(
        self,
        database: Database,
        handlers: Sequence[EventHandler],
        catalogue: Catalogue,
        *,
        rests: Mapping[bool, float] = REST_SECONDS,
    ) -> None:
        self._database, self._turns, self._rests = database, Turns(database), rests
        self._handlers: Mapping[str, EventHandler] = {handler.subscription.name: handler for handler in handlers}
        self._types = {
            name: [cls.about.type for cls in catalogue if handler.subscription.wants(cls.about.type)]
            for name, handler in self._handlers.items()
        }

    @property
    def names(self) -> Sequence[str]:
        """Every subscription's name."""
        return list(self._handlers)

    def handler(self, name: str) -> EventHandler:
        """Raises SubscriptionNotFound."""
        try:
            return self._handlers[name]
        except KeyError:
            raise SubscriptionNotFound(subscription=name) from None

    def interested(self, type_: str) -> list[str]:
        """Subscriptions that want events of this type."""
        return [name for name, types in self._types.items() if type_ in types]

    async def deliver(self, batch: Batch, *, attempt: int) -> Progress:
        """Up to ROUNDS rounds; see `domain.bus.ports.Subscriptions`."""
        handler = self.handler(batch.subscription)
        handled = await self._redeliver(handler, batch) if batch.redeliver else 0
        # A later attempt is about one event; those behind it deserve a delivery whose attempts count from one.
        for _ in range(ROUNDS if attempt == 1 else 1):
            step = Round(handler, self._types[batch.subscription], batch, attempt)
            progress, failure = await self._turns.take(handler, batch.tenant_id, step)
            DELIVERED_EVENTS.labels(batch.subscription).inc(progress.handled)
            handled += progress.handled
            if failure is not None:
                # What came before is committed; the next attempt begins with the event that failed.
                raise failure
            if progress.stays and not progress.more:
                await asyncio.sleep(self._rests[handler.in_transaction])
            elif not progress.more:
                break
        return progress.model_copy(update={"handled": handled, "more": progress.more or progress.stays})

    async def unattended(self, targets: Targets) -> Targets:
        """The readers among these that must be told that there are events up to here."""
        return await self._database.run(None, lambda session: unattended(session, targets)) if targets else {}

    async def _redeliver(self, handler: EventHandler, batch: Batch) -> int:
        """The subjects of these parked events, each from its oldest one on for as long as they are taken."""
        name, tenant, taken = batch.subscription, batch.tenant_id, 0
        subjects = await self._database.run(
            None, lambda session: subjects_to_redeliver(session, name, tenant, batch.redeliver)
        )
        for subject in subjects:
            while await self._turns.take(handler, tenant, Redelivery(name, tenant, subject)):
                taken += 1
        DELIVERED_EVENTS.labels(name).inc(taken)
        return taken

    async def states(self, tenant: TenantId | None) -> Sequence[SubscriptionState]:
        """Cursor, lag and parked count of every subscription and tenant."""
        return await self._database.run(None, lambda session: self._states(session, tenant))

    async def _states(self, session: Session, tenant: TenantId | None) -> list[SubscriptionState]:
        states = []
        for name, handler in self._handlers.items():
            reads_directly = handler.subscription.kind is SubscriptionKind.REACTIONS
            rows = await session.sql.fetch(_STATES, name, tenant, self._types[name], RELAY if reads_directly else None)
            states += [
                SubscriptionState(
                    subscription=name,
                    tenant_id=row["tenant_id"],
                    cursor=str(Position(row["xid"], row["seq"])),
                    lag_events=row["lag"],
                    parked=row["parked"],
                    updated_at=row["updated_at"],
                )
                for row in rows
            ]
        return states

    async def parked(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Parked]:
        """Oldest first."""
        after = decode_cursor(cursor, str)[0] if cursor else ""

        async def work(session: Session) -> list[Any]:
            return await session.sql.fetch(
                f"{ROWS} WHERE ($1::text IS NULL OR p.tenant_id = $1) AND p.id > $2 ORDER BY p.id LIMIT $3",
                tenant,
                after,
                limit + 1,
            )

        rows = await self._database.run(None, work)
        more = len(rows) > limit
        return Page(
            items=[reading(row) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1]["parked_id"]) if more else None,
        )

    async def parked_event(self, tenant: TenantId | None, parked_id: ParkedId) -> Parked:
        """Raises ParkedEventNotFound."""
        row = await self._database.run(None, lambda session: parked_row(session, tenant, parked_id))
        if row is None:
            raise ParkedEventNotFound
        return reading(row)


# The relay handles reactions itself, for all tenants at once: its place ($4) is theirs.
_STATES = """
SELECT known.id AS tenant_id, place.xid, place.seq, coalesce(place.updated_at, known.created_at) AS updated_at,
       (SELECT count(*) FROM events e
        WHERE e.tenant_id = known.id AND e.type = ANY($3) AND (e.xid, e.seq) > (place.xid, place.seq)) AS lag,
       (SELECT count(*) FROM bus_parked p WHERE p.subscription = $1 AND p.tenant_id = known.id) AS parked
FROM security_tenant AS known
CROSS JOIN LATERAL (
    SELECT xid, seq, updated_at FROM bus_cursor WHERE subscription = $1 AND bus_cursor.tenant_id = known.id
    UNION ALL SELECT xid, seq, updated_at FROM bus_reader WHERE name = $4
    UNION ALL SELECT '0'::xid8, 0, NULL
    ORDER BY xid DESC, seq DESC LIMIT 1
) AS place
WHERE known.status = 'active' AND ($2::text IS NULL OR known.id = $2)
ORDER BY known.id
"""
