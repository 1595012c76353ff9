"""The second transport: NATS JetStream through FastStream, for readers beyond one machine.

A pump copies the event store into a stream, in the store's order: every message carries its event's position, and
is stored only right behind the one before it. So the stream's last message says how far the pump has come, and
a reader finds its own place, kept in the database like the default transport's, by bisection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import asyncpg
import orjson
import structlog
from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, Header, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from adapters.bus.transport import StoredDelivery, follow, is_lost, leading, stored_position
from adapters.postgres.database import Database
from domain.bus.event import START, Position, RecordedEvent
from domain.kernel.errors import Unavailable
from domain.kernel.ids import TenantId

log = structlog.get_logger(__name__)

STREAM = "HARBORGRID_EVENTS"
SUBJECTS = "harborgrid.events"
POSITION, TIMESTAMP = "Harborgrid-Position", "Harborgrid-Timestamp"
PUMP = "nats-pump"
BATCH = 500
_NOBODY = "platform"
_IDLE_SECONDS = 1.0
_DRAIN_SECONDS = 0.01
_CONNECT_SECONDS = 5.0
_PUBLISH_SECONDS = 2.0
_PAUSE_SECONDS = 0.5
_ABANDONED_SECONDS = 60.0
_INTERRUPTIONS = (
    NatsError,
    Unavailable,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


class Place(NamedTuple):
    """A message's number in the stream, and the position in the store of its event."""

    sequence: int
    position: Position


def subject_of(event: RecordedEvent) -> str:
    """`harborgrid.events.<tenant or platform>.<type>`: readers outside can filter by tenant and by type."""
    return f"{SUBJECTS}.{event.tenant_id or _NOBODY}.{event.type}"


class NatsArrival:
    """A message, read as far as somebody asks: its headers say where it stands, its subject whose it is."""

    __slots__ = ("_data", "position", "tenant_id", "timestamp", "type")

    def __init__(self, message: Msg) -> None:
        headers, (tenant, type_) = message.headers or {}, message.subject.split(".", 3)[2:]
        self._data = message.data
        self.type = type_
        self.tenant_id = None if tenant == _NOBODY else TenantId(tenant)
        self.timestamp = datetime.fromisoformat(headers[TIMESTAMP])
        self.position = Position.parse(headers[POSITION])

    def event(self) -> RecordedEvent:
        """All of it."""
        return RecordedEvent.model_validate({**orjson.loads(self._data), "position": self.position})


class NatsTransport:
    """Reads the stream from where the reader's cursor stands. The pump must run somewhere, in one process at a time."""

    def __init__(self, broker: NatsBroker, database: Database) -> None:
        self._broker, self._database = broker, database

    async def deliveries(self, reader: str) -> AsyncGenerator[StoredDelivery, None]:
        """Endless; see `domain.bus.ports.EventTransport`."""
        async with leading(self._database, reader) as connection:
            position = await stored_position(connection, reader)
            async with aclosing(self._after(position)) as batches:
                async for arrivals in batches:
                    if is_lost(connection):
                        raise ConnectionResetError("the connection that held this reader's place is gone")
                    if fresh := [arrival for arrival in arrivals if arrival.position > position]:
                        position = fresh[-1].position
                        yield StoredDelivery(fresh, reader, self._database)

    async def pump(self) -> None:
        """Publish what is committed, in order, for ever."""
        async with leading(self._database, PUMP) as connection:
            end = await self.end()
            async with aclosing(follow(connection, end.position)) as batches:
                async for arrivals in batches:
                    end = await self.publish([arrival.event() for arrival in arrivals], behind=end)

    async def pump_for_ever(self) -> None:
        """The pump, begun again whenever a connection is lost."""
        while True:
            try:
                await self.pump()
            except _INTERRUPTIONS as error:
                log.warning("nats.pump_interrupted", reason=f"{type(error).__name__}: {error}")
                await asyncio.sleep(_PAUSE_SECONDS)

    async def publish(self, events: Sequence[RecordedEvent], *, behind: Place) -> Place:
        """Publish and wait until JetStream has stored every one; the stream's new end.

        Each message names the number of the one before it. Where one is lost, those behind it are refused and the
        order holds; repeats are refused by the event's id as well.
        """
        connection = self._broker.connection
        inbox = connection.new_inbox()
        answers = await connection.subscribe(inbox)
        try:
            for sequence, event in enumerate(events, start=behind.sequence):
                await connection.publish(
                    subject_of(event), event.model_dump_json().encode(), inbox, _headers(event, behind=sequence)
                )
            for _ in events:
                _stored(await answers.next_msg(_PUBLISH_SECONDS))
        finally:
            with suppress(NatsError):
                await answers.unsubscribe()
        return Place(behind.sequence + len(events), events[-1].position)

    async def end(self) -> Place:
        """The last message of the stream."""
        return await self._place((await self._jetstream().stream_info(STREAM)).state.last_seq)

    async def ensure_stream(self) -> None:
        """Create the stream; one that exists keeps its settings, such as the replicas its operator gave it."""
        js = self._jetstream()
        try:
            await js.stream_info(STREAM)
        except NotFoundError:
            await js.add_stream(StreamConfig(name=STREAM, subjects=[f"{SUBJECTS}.>"], deny_delete=True))

    async def _after(self, position: Position) -> AsyncGenerator[Sequence[NatsArrival], None]:
        sequence = await self._first_behind(position)
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=sequence,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_ABANDONED_SECONDS,
        )
        messages = await self._jetstream().pull_subscribe(f"{SUBJECTS}.>", stream=STREAM, config=config)
        try:
            while True:
                if found := await _fetch(messages):
                    numbers = [message.metadata.sequence.stream for message in found]
                    if numbers != list(range(sequence, sequence + len(found))):
                        raise ConnectionResetError(f"{numbers[0]} to {numbers[-1]} came where {sequence} was due")
                    sequence += len(found)
                yield [NatsArrival(message) for message in found]
        finally:
            with suppress(NatsError):
                await messages.unsubscribe()

    async def _first_behind(self, position: Position) -> int:
        """The number of the first message behind this position: the stream is in order, so bisect it."""
        state = (await self._jetstream().stream_info(STREAM)).state
        low, high = max(state.first_seq, 1), state.last_seq + 1
        while low < high:
            middle = (low + high) // 2
            if (await self._place(middle)).position > position:
                high = middle
            else:
                low = middle + 1
        return low

    async def _place(self, sequence: int) -> Place:
        if sequence == 0:
            return Place(0, START)
        message = await self._jetstream().get_msg(STREAM, seq=sequence)
        return Place(sequence, Position.parse((message.headers or {})[POSITION]))

    def _jetstream(self) -> JetStreamContext:
        return self._broker.connection.jetstream()


@asynccontextmanager
async def nats_transport(url: str, database: Database) -> AsyncIterator[NatsTransport]:
    """A connected transport for the length of the block; a connection lost later is sought for as long as it takes.

    url: of one server or of several of a cluster, with commas between. Raises Unavailable if none answers at first.
    """
    servers = [_Server.parse(server) for server in url.split(",")]
    broker = NatsBroker(
        [server.url for server in servers],
        security=servers[0].login,
        logger=None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
    )
    try:
        await asyncio.wait_for(broker.connect(), _CONNECT_SECONDS)
        transport = NatsTransport(broker, database)
        await transport.ensure_stream()
    except (NatsError, OSError) as error:
        raise Unavailable(f"NATS did not answer: {type(error).__name__} {error}") from error
    try:
        yield transport
    finally:
        with suppress(NatsError):
            await broker.stop()


class _Server(NamedTuple):
    url: str
    login: SASLPlaintext | None

    @classmethod
    def parse(cls, url: str) -> _Server:
        # nats-py takes the characters of a password in a URL as they stand, percent-encoded or not.
        address = urlsplit(url)
        if address.username is None or address.password is None:
            return cls(url, None)
        bare = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
        return cls(bare, SASLPlaintext(unquote(address.username), unquote(address.password)))


async def _fetch(messages: JetStreamContext.PullSubscription) -> list[Any]:
    """One message as soon as there is one, with those that are there already behind it; or none."""
    try:
        found = await messages.fetch(1, timeout=_IDLE_SECONDS)
    except (NatsTimeoutError, TimeoutError):
        # A consumer that a restarted server has forgotten is as silent as one without news. This raises.
        await messages.consumer_info()
        return []
    with suppress(NatsTimeoutError, TimeoutError):
        found += await messages.fetch(BATCH - 1, timeout=_DRAIN_SECONDS)
    return found


def _headers(event: RecordedEvent, *, behind: int) -> dict[str, str]:
    return {
        Header.MSG_ID: event.id,
        Header.EXPECTED_LAST_SEQUENCE: str(behind),
        POSITION: str(event.position),
        TIMESTAMP: event.timestamp.isoformat(),
    }


def _stored(answer: Msg) -> None:
    # nats-py's own `publish_async` never tells that a message was refused.
    if answer.header and Header.STATUS in answer.header:
        raise NoRespondersError
    if error := orjson.loads(answer.data).get("error"):
        raise APIError(**error)
