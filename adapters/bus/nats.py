"""The second transport: NATS JetStream through FastStream, for readers beyond one machine.

A pump follows the event store and publishes each event with its id as `Nats-Msg-Id`, so that JetStream drops
the repeats of a pump that crashed between publishing and moving its cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import structlog
from faststream.nats import ConsumerConfig, NatsBroker
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, DeliverPolicy, StreamConfig

from adapters.bus.transport import PostgresTransport, leading
from adapters.postgres.database import Database
from domain.bus.event import Position, RecordedEvent
from domain.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

STREAM = "HARBORGRID_EVENTS"
SUBJECTS = "harborgrid.events"
POSITION = "Harborgrid-Position"
BATCH = 500
_DUPLICATE_WINDOW_SECONDS = 600.0


def subject_of(event: RecordedEvent) -> str:
    """`harborgrid.events.<tenant or platform>.<type>`: readers can filter by tenant and by type."""
    return f"{SUBJECTS}.{event.tenant_id or 'platform'}.{event.type}"


@dataclass(frozen=True, slots=True)
class NatsDelivery:
    """Messages of the stream; acknowledging them moves the durable consumer."""

    events: Sequence[RecordedEvent]
    messages: Sequence[Any]

    async def ack(self) -> None:
        """Acknowledge each message, and wait until the server has noted the last one."""
        for message in self.messages[:-1]:
            await message.ack()
        await self.messages[-1].ack_sync()


class NatsTransport:
    """Reads the stream under a durable consumer per reader."""

    def __init__(self, broker: NatsBroker, database: Database) -> None:
        self._broker, self._database = broker, database

    async def deliveries(self, reader: str) -> AsyncIterator[NatsDelivery]:
        """Endless; see `domain.bus.ports.EventTransport`."""
        # The same database lock as the default transport: order per tenant needs one reader at a time.
        async with self._database.connection() as connection, leading(connection, f"nats/{reader}"):
            durable = await self._jetstream().pull_subscribe(
                f"{SUBJECTS}.>",
                durable=reader,
                stream=STREAM,
                config=ConsumerConfig(
                    ack_policy=AckPolicy.EXPLICIT, deliver_policy=DeliverPolicy.ALL, ack_wait=30, max_ack_pending=BATCH
                ),
            )
            try:
                while True:
                    messages = await _fetch(durable)
                    if messages:
                        yield NatsDelivery([_read(message) for message in messages], messages)
            finally:
                with suppress(NatsError):
                    await durable.unsubscribe()

    async def pump(self) -> None:
        """Publish what is committed, in order, for ever."""
        async for delivery in PostgresTransport(self._database).deliveries("nats-pump"):
            await self.publish(delivery.events)
            await delivery.ack()

    async def pump_for_ever(self) -> None:
        """The pump, begun again whenever a connection is lost."""
        while True:
            try:
                await self.pump()
            except (NatsError, Unavailable, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("nats.pump_interrupted", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(0.5)

    async def publish(self, events: Sequence[RecordedEvent]) -> None:
        """Publish and wait until JetStream has stored every one."""
        js = self._jetstream()
        pending = [
            await js.publish_async(
                subject_of(event),
                event.model_dump_json().encode(),
                headers={"Nats-Msg-Id": event.id, POSITION: str(event.position)},
            )
            for event in events
        ]
        await asyncio.gather(*pending)

    async def ensure_stream(self) -> None:
        """Create the stream, or bring its settings up to date."""
        config = StreamConfig(
            name=STREAM, subjects=[f"{SUBJECTS}.>"], duplicate_window=_DUPLICATE_WINDOW_SECONDS
        )
        js = self._jetstream()
        try:
            await js.stream_info(STREAM)
        except NatsError:
            await js.add_stream(config)
        else:
            await js.update_stream(config)

    def _jetstream(self) -> Any:
        return self._broker.connection.jetstream()


@asynccontextmanager
async def nats_transport(url: str, database: Database) -> AsyncIterator[NatsTransport]:
    """A connected transport for the length of the block."""
    async with NatsBroker(url, logger=None) as broker:
        transport = NatsTransport(broker, database)
        await transport.ensure_stream()
        yield transport


async def _fetch(durable: Any) -> list[Any]:
    try:
        messages: list[Any] = await durable.fetch(BATCH, timeout=0.5)
    except (NatsTimeoutError, TimeoutError):
        return []
    return messages


def _read(message: Any) -> RecordedEvent:
    position = Position.parse(message.headers[POSITION])
    return RecordedEvent.model_validate({**orjson.loads(message.data), "position": position})
