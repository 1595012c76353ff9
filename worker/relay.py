"""The relay: follows committed events and sets off what they set off, at least once."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - jitter between attempts
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

import structlog
from opentelemetry import trace
from temporalio.service import RPCError

from adapters.bus.attendance import Targets
from adapters.bus.parking import blocked_subjects, park
from adapters.bus.reactions import ReactionHandler
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.bus.transport import RELAY
from adapters.bus.trials import SetAside
from adapters.bus.turns import turn_key
from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from adapters.telemetry.metrics import RELAY_EVENTS, RELAY_LAG
from adapters.telemetry.tracing import parent_of
from adapters.temporal.starter import WorkflowStarter
from domain.bus.errors import BlockedBySubject
from domain.bus.event import START, Position, RecordedEvent
from domain.bus.model import Consume, SubscriptionKind
from domain.bus.ports import Arrival, EventTransport
from domain.kernel.errors import Unavailable
from domain.kernel.ids import TenantId
from workflows.bus import consume
from workflows.bus.consume import ConsumeWorkflow
from workflows.reactions import BY_TYPE

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("harborgrid.relay")

_SIGNALS_AT_ONCE = 32
# A trickle of events is signalled at this pace: each signal costs Temporal as much as a thousand events.
_REST_SECONDS = 0.03
_MANY = 500
_PATIENCE_SECONDS = (0.1, 5.0)


class Relay:
    """Reactions are started one by one and in order; readers only learn how far there is something to read."""

    def __init__(self, database: Database, subscriptions: PostgresSubscriptions, starter: WorkflowStarter) -> None:
        self._database, self._subscriptions, self._starter = database, subscriptions, starter
        self._reactions = ReactionHandler(starter)
        self._readers: dict[str, tuple[str, ...]] = {}

    async def run(self, transport: EventTransport) -> None:
        """For ever: a lost connection is a reason to begin again, not to stop."""
        while True:
            try:
                async with aclosing(transport.deliveries(RELAY)) as deliveries:
                    async for delivery in deliveries:
                        rested = asyncio.create_task(asyncio.sleep(_REST_SECONDS))
                        await self._patiently(delivery.arrivals)
                        await delivery.ack()
                        if len(delivery.arrivals) < _MANY:
                            await rested
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, events must flow again
                log.warning("relay.interrupted", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(0.2 + random.random() * 0.3)  # noqa: S311

    async def _patiently(self, arrivals: Sequence[Arrival]) -> None:
        pause = _PATIENCE_SECONDS[0]
        while True:
            try:
                return await self.dispatch(arrivals)
            except Unavailable as down:
                log.warning("relay.waits", reason=down.message, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _PATIENCE_SECONDS[1])

    async def dispatch(self, arrivals: Sequence[Arrival]) -> None:
        """Set off what these events set off. Raises Unavailable if it must be tried again as a whole."""
        await self._react_to([arrival.event() for arrival in arrivals if arrival.type in BY_TYPE])
        places = asyncio.Semaphore(_SIGNALS_AT_ONCE)
        targets = await self._subscriptions.unattended(self._targets(arrivals))
        await asyncio.gather(*(self._wake(places, name, tenant, up_to) for (name, tenant), up_to in targets.items()))
        oldest = min(arrival.timestamp for arrival in arrivals)
        RELAY_LAG.observe(max((utc_now() - oldest).total_seconds(), 0))
        RELAY_EVENTS.inc(len(arrivals))

    def _targets(self, arrivals: Sequence[Arrival]) -> Targets:
        latest = {(arrival.type, arrival.tenant_id): arrival.position for arrival in arrivals}
        targets: Targets = {}
        for (type_, tenant), position in latest.items():
            if tenant is not None:
                for name in self._readers_of(type_):
                    targets[name, tenant] = max(position, targets.get((name, tenant), START))
        return targets

    def _readers_of(self, type_: str) -> tuple[str, ...]:
        if type_ not in self._readers:
            self._readers[type_] = tuple(
                name
                for name in self._subscriptions.interested(type_)
                if self._subscriptions.handler(name).subscription.kind is not SubscriptionKind.REACTIONS
            )
        return self._readers[type_]

    async def _react_to(self, events: Sequence[RecordedEvent]) -> None:
        waiting: dict[TenantId, set[str]] = {}
        for event in events:
            assert event.tenant_id is not None, "what sets off a workflow belongs to a tenant"
            if event.tenant_id not in waiting:
                waiting[event.tenant_id] = set(await self._database.run(None, partial(self._blocked, event.tenant_id)))
            # Most subjects have nothing parked; only for the others is it worth waiting for a turn to look closely.
            if event.subject in waiting[event.tenant_id] and await self._waits(event, event.tenant_id):
                continue
            if not await self._react(event):
                waiting[event.tenant_id].add(event.subject)

    async def _react(self, event: RecordedEvent) -> bool:
        with tracer.start_as_current_span(f"relay {event.type}", context=parent_of(event.metadata.traceparent)):
            try:
                await self._reactions.react(event)
            except Unavailable:
                raise
            except Exception as error:
                # Kept as the reason; the events behind it must not wait.
                log.exception("relay.parked", event_id=event.id, type=event.type)
                aside = SetAside(event, error, 1)
                await self._database.run(None, lambda session: park(session, self._reactions.subscription.name, aside))
                return False
        return True

    async def _waits(self, event: RecordedEvent, tenant: TenantId) -> bool:
        """Park the event if an earlier one of its subject still is. In turn, so that no redelivery misses it."""

        async def work(session: Session) -> bool:
            await hold(session, turn_key(self._reactions.subscription.name, tenant))
            oldest = (await self._blocked(tenant, session)).get(event.subject)
            if oldest is None or oldest >= event.position:
                return False
            await park(session, self._reactions.subscription.name, SetAside(event, BlockedBySubject(), 0))
            return True

        return await self._database.run(None, work)

    async def _blocked(self, tenant: TenantId, session: Session) -> dict[str, Position]:
        return await blocked_subjects(session, self._reactions.subscription.name, tenant)

    async def _wake(self, places: asyncio.Semaphore, name: str, tenant: TenantId, up_to: Position) -> None:
        async with places:
            await self._signal(name, tenant, up_to)

    async def _signal(self, name: str, tenant: TenantId, up_to: Position) -> None:
        try:
            await self._starter.signal_with_start(
                ConsumeWorkflow.run,
                Consume(
                    subscription=name, tenant_id=tenant, in_transaction=self._subscriptions.handler(name).in_transaction
                ),
                id=consume.workflow_id(tenant, name),
                summary=f"Reads events for {name}",
                signal="events",
                arg=up_to,
            )
        except RPCError as refused:
            # One reader that can take no more signals must not stop the others; its next event wakes it again.
            log.exception("relay.signal_refused", subscription=name, tenant=tenant, reason=refused.message)
