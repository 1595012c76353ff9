"""The relay: follows committed events and sets off what they set off, at least once."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - jitter between attempts
from collections.abc import Sequence
from contextlib import aclosing

import structlog
from opentelemetry import trace

from adapters.bus.parking import park
from adapters.bus.reactions import ReactionHandler
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.telemetry.metrics import RELAY_EVENTS, RELAY_LAG
from adapters.telemetry.tracing import parent_of
from adapters.temporal.starter import WorkflowStarter
from domain.bus.event import Position, RecordedEvent
from domain.bus.model import Batch, SubscriptionKind
from domain.bus.ports import EventTransport
from domain.kernel.errors import Unavailable
from domain.kernel.ids import TenantId
from workflows.bus import consume
from workflows.bus.consume import Consume, ConsumeWorkflow
from workflows.reactions import BY_TYPE

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("harborgrid.relay")

READER = "relay"
_SIGNALS_AT_ONCE = 32
_PATIENCE_SECONDS = (0.1, 5.0)


class Relay:
    """Reactions are started one by one and in order; readers only learn how far there is something to read."""

    def __init__(self, database: Database, subscriptions: PostgresSubscriptions, starter: WorkflowStarter) -> None:
        self._database, self._subscriptions, self._starter = database, subscriptions, starter
        self._reactions = ReactionHandler(starter)
        self._readers = [
            name
            for name in subscriptions.names
            if subscriptions.handler(name).subscription.kind is not SubscriptionKind.REACTIONS
        ]

    async def run(self, transport: EventTransport) -> None:
        """For ever: a lost connection is a reason to begin again, not to stop."""
        while True:
            try:
                async with aclosing(transport.deliveries(READER)) as deliveries:
                    async for delivery in deliveries:
                        await self._patiently(delivery.events)
                        await delivery.ack()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, events must flow again
                log.warning("relay.interrupted", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(0.2 + random.random() * 0.3)  # noqa: S311

    async def _patiently(self, events: Sequence[RecordedEvent]) -> None:
        pause = _PATIENCE_SECONDS[0]
        while True:
            try:
                return await self.dispatch(events)
            except Unavailable as down:
                log.warning("relay.waits", reason=down.message, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PATIENCE_SECONDS[1])

    async def dispatch(self, events: Sequence[RecordedEvent]) -> None:
        """Set off what these events set off. Raises Unavailable if it must be tried again as a whole."""
        for event in events:
            if event.type in BY_TYPE:
                await self._react(event)
        places = asyncio.Semaphore(_SIGNALS_AT_ONCE)
        await asyncio.gather(
            *(self._wake(places, name, tenant, up_to) for (name, tenant), up_to in self._targets(events).items())
        )
        now = utc_now()
        for event in events:
            RELAY_LAG.observe(max((now - event.timestamp).total_seconds(), 0))
        RELAY_EVENTS.inc(len(events))

    def _targets(self, events: Sequence[RecordedEvent]) -> dict[tuple[str, TenantId], Position]:
        targets: dict[tuple[str, TenantId], Position] = {}
        for event in events:
            if event.tenant_id is None:
                continue
            for name in self._subscriptions.interested(event.type):
                if name in self._readers:
                    targets[name, event.tenant_id] = event.position
        return targets

    async def _react(self, event: RecordedEvent) -> None:
        with tracer.start_as_current_span(f"relay {event.type}", context=parent_of(event.metadata.traceparent)):
            try:
                await self._reactions.react(event)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - kept as the reason; the events behind it must not wait
                log.exception("relay.parked", event_id=event.id, type=event.type)
                await self._park(event, error)

    async def _park(self, event: RecordedEvent, error: Exception) -> None:
        assert event.tenant_id is not None
        batch = Batch(
            subscription=self._reactions.subscription.name, tenant_id=event.tenant_id, up_to=event.position
        )
        await self._database.run(None, lambda session: park(session, batch, event, error))

    async def _wake(self, places: asyncio.Semaphore, name: str, tenant: TenantId, up_to: Position) -> None:
        async with places:
            await self._starter.signal_with_start(
                ConsumeWorkflow.run,
                Consume(subscription=name, tenant_id=tenant),
                id=consume.workflow_id(tenant, name),
                summary=f"Reads events for {name}",
                signal="events",
                arg=up_to,
            )
