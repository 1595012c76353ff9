"""The connection pool, and transactions that run as a tenant's own database role."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - jitter between attempts, not business
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

import asyncpg
import orjson
import structlog
from opentelemetry import trace

from adapters.postgres.session import Session
from adapters.telemetry.metrics import DATABASE_TRANSACTIONS
from adapters.telemetry.tracing import is_recording
from domain.kernel.errors import CommitUnknown, DatabaseUnavailable, TransactionConflict
from domain.kernel.ids import TenantId
from domain.security.errors import TenantDeprovisioned

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("harborgrid.postgres")
T = TypeVar("T")

ATTEMPTS = 4
_NO_SPAN = nullcontext()
_CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # The pool's word for "the server went away while this connection was ours".
    asyncpg.InterfaceError,
    # The driver's word for a statement that met the server's farewell on its way.
    asyncpg.InternalClientError,
    ConnectionError,
    OSError,
    TimeoutError,
)
PLATFORM = "SET LOCAL search_path TO platform"


def tenant_role(tenant: TenantId) -> str:
    """The database role that can reach this tenant's schema and nothing else."""
    return f"hg_{TenantId.parse(tenant)}"


class Returns:
    """What the pool does with a connection that comes back.

    A transaction of `Database` leaves nothing behind: everything it sets is local to it. So it says so, and saves the
    round trip with which asyncpg takes back locks, listeners and settings of whoever else had the connection.
    """

    def __init__(self) -> None:
        self._clean: set[int] = set()

    def clean(self, connection: PoolConnectionProxy[asyncpg.Record]) -> None:
        """Its transaction has ended, and nothing else was done on it."""
        self._clean.add(connection.get_server_pid())

    async def reset(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Called by the pool, which has already ended an open transaction."""
        try:
            self._clean.remove(connection.get_server_pid())
        except KeyError:
            await connection.execute(connection.get_reset_query())


class Database:
    """A pool of connections of one login role. Without a tenant, work runs as the platform."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], returns: Returns, notify: Callable[[], None] = lambda: None
    ) -> None:
        self.pool, self._returns = pool, returns
        self._notify = notify

    async def run(self, tenant: TenantId | None, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in one transaction and commit it; see `domain.kernel.ports.Transactions`."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._once(tenant, work)
            except _CONFLICTS as conflict:
                if attempt == ATTEMPTS:
                    DATABASE_TRANSACTIONS.labels("failed").inc()
                    raise TransactionConflict(attempts=attempt) from conflict
                reason: BaseException = conflict
            except _LOST as lost:
                if attempt == ATTEMPTS:
                    DATABASE_TRANSACTIONS.labels("failed").inc()
                    raise DatabaseUnavailable(attempts=attempt) from lost
                reason = lost
            DATABASE_TRANSACTIONS.labels("retried").inc()
            log.warning("database.retried", attempt=attempt, reason=type(reason).__name__)
            await asyncio.sleep(0.02 * 2**attempt * (0.5 + random.random()))  # noqa: S311
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def read(self, tenant: TenantId | None, work: Callable[[Session], Awaitable[T]]) -> T:
        """`run` for statements that name the tenant themselves: what one left behind is there when its role is gone."""
        try:
            return await self.run(tenant, work)
        except TenantDeprovisioned:
            return await self.run(None, work)

    async def _once(self, tenant: TenantId | None, work: Callable[[Session], Awaitable[T]]) -> T:
        with _span("postgres.transaction"):
            async with self.pool.acquire(timeout=10) as connection:
                session = Session(connection, tenant)
                try:
                    await connection.execute(f"BEGIN; {_as_tenant(tenant)}")
                    result = await work(session)
                    await session.flush()
                except BaseException as error:
                    await _rollback(connection)
                    DATABASE_TRANSACTIONS.labels("refused").inc()
                    if tenant is not None and isinstance(error, asyncpg.InvalidParameterValueError):
                        # There is no role of this name: the tenant was never there, or is gone.
                        raise TenantDeprovisioned(tenant_id=tenant) from error
                    raise
                await _commit(connection)
                self._returns.clean(connection)
        DATABASE_TRANSACTIONS.labels("committed").inc()
        if session.announced:
            self._notify()
        return result

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy[asyncpg.Record]]:
        """A pooled connection outside any transaction; each statement commits by itself.

        Raises DatabaseUnavailable if it is lost.
        """
        try:
            async with self.pool.acquire(timeout=10) as connection:
                yield connection
        except _LOST as lost:
            raise DatabaseUnavailable(reason=type(lost).__name__) from lost

    async def statement(self, sql: str, *values: object) -> asyncpg.Record | None:
        """One self-contained statement of the platform, committed by itself; its first row.

        A lost connection is CommitUnknown unless it was lost before sending: the statement may have worked.
        """
        try:
            async with self.pool.acquire(timeout=10) as connection:
                with _span("postgres.statement"):
                    row = await connection.fetchrow(sql, *values)
                self._returns.clean(connection)
        except _LOST as lost:
            DATABASE_TRANSACTIONS.labels("failed").inc()
            raise CommitUnknown from lost
        DATABASE_TRANSACTIONS.labels("committed").inc()
        return row

    def announce(self) -> None:
        """Tell the relay that events were committed."""
        self._notify()


def _span(name: str) -> AbstractContextManager[object]:
    if not is_recording():
        return _NO_SPAN
    return tracer.start_as_current_span(name, attributes={"db.system.name": "postgresql"})


def _as_tenant(tenant: TenantId | None) -> str:
    if tenant is None:
        return PLATFORM
    return f'SET LOCAL ROLE "{tenant_role(tenant)}"; SET LOCAL search_path TO "{tenant}", platform'


async def _commit(connection: PoolConnectionProxy[asyncpg.Record]) -> None:
    try:
        await connection.execute("COMMIT")
    except _LOST as lost:
        DATABASE_TRANSACTIONS.labels("failed").inc()
        raise CommitUnknown from lost


async def _rollback(connection: PoolConnectionProxy[asyncpg.Record]) -> None:
    if not connection.is_closed():
        try:
            await connection.execute("ROLLBACK")
        except (*_LOST, asyncpg.PostgresError):
            # The connection is beyond saving; the server rolls back by itself when it goes.
            connection.terminate()


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=_json_text, decoder=orjson.loads, format="text"
        )
    await connection.set_type_codec("xid8", schema="pg_catalog", encoder=str, decoder=int, format="text")


def _json_text(value: object) -> str:
    return orjson.dumps(value).decode()


@asynccontextmanager
async def connect(
    dsn: str, *, size: int, application: str, notify: Callable[[], None] = lambda: None
) -> AsyncIterator[Database]:
    """A database for this DSN, open for the length of the block. Raises DatabaseUnavailable."""
    returns = Returns()
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=returns.reset,
            command_timeout=60,
            server_settings={
                "application_name": application,
                "timezone": "UTC",
                "search_path": "platform",
                # A session that sits in an open transaction holds back every reader of events.
                "idle_in_transaction_session_timeout": "60s",
            },
        )
    except (*_LOST, asyncpg.PostgresError) as lost:
        raise DatabaseUnavailable(f"PostgreSQL did not accept a connection: {lost}") from lost
    try:
        yield Database(pool, returns, notify)
    finally:
        try:
            await asyncio.wait_for(pool.close(), timeout=5)
        except (TimeoutError, *_LOST):
            pool.terminate()
