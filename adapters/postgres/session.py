"""One open transaction: statements now, events and audit records together at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adapters.kernel.clock import new_id, utc_now
from domain.bus.event import Event, EventId, EventMetadata
from domain.catalogue import CATALOGUE
from domain.kernel.audit import AuditEntry
from domain.kernel.context import current_context
from domain.kernel.ids import TenantId
from domain.security.audit_log import in_canonical_form
from domain.security.ids import AuditRecordId

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

APPEND = """
INSERT INTO platform.events (id, type, version, timestamp, source, tenant_id, user_id, subject, data, metadata)
SELECT id, type, version, timestamp, source, tenant_id, user_id, subject, data::jsonb, metadata::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[])
     AS happened (id, type, version, timestamp, source, tenant_id, user_id, subject, data, metadata)
"""
_AUDIT = """
INSERT INTO platform.security_audit
    (id, tenant_id, at, actor_kind, actor_id, action, resource, outcome, request_id, correlation_id, details)
SELECT * FROM unnest(${}::text[], ${}::text[], ${}::timestamptz[], ${}::text[], ${}::text[], ${}::text[], ${}::text[],
                     ${}::text[], ${}::text[], ${}::text[], ${}::jsonb[])
"""
AUDIT = _AUDIT.format(*range(1, 12))
# Most transactions do both, and every statement is a round trip.
_BOTH = f"WITH audited AS ({_AUDIT.format(*range(11, 22))}) {APPEND}"

_AS_PLATFORM = "RESET ROLE; SET LOCAL search_path TO platform"

EventRow = tuple[str, str, str, datetime, str, str | None, str | None, str, str, str]


class Session:
    """The statements of one transaction, and what it will announce if it commits."""

    def __init__(self, connection: PoolConnectionProxy[asyncpg.Record], tenant: TenantId | None) -> None:
        self.sql = connection
        self.tenant = tenant
        self._events: list[EventRow] = []
        self._audit: list[tuple[Any, ...]] = []

    @property
    def announced(self) -> bool:
        """Whether this transaction appended events."""
        return bool(self._events)

    @property
    def has_changes(self) -> bool:
        """Whether anything has happened in this transaction that is told or audited."""
        return bool(self._events or self._audit)

    def append(self, *happened: Event, tenant: TenantId | None = None) -> None:
        """Record these facts at the end of the transaction. Raises UnknownEventType at once."""
        self._events += event_rows(happened, tenant or self.tenant)

    def record(self, entry: AuditEntry) -> None:
        """Write this audit record at the end of the transaction. Raises NotCanonical at once."""
        context = current_context()
        details = {**entry.details, "byGrant": context.grant_id} if context.grant_id else entry.details
        in_canonical_form(details)
        self._audit.append(
            (
                new_id(AuditRecordId),
                entry.tenant_id,
                utc_now(),
                context.actor.kind,
                context.actor.id,
                entry.action,
                entry.resource,
                entry.outcome,
                context.request_id,
                context.correlation_id,
                details,
            )
        )

    @asynccontextmanager
    async def acting_as(self, tenant: TenantId) -> AsyncIterator[None]:
        """Run a block of this platform transaction with a tenant's rights only; what it announces is the tenant's.

        When the block fails, so does the transaction, and the role with it.
        """
        await self.sql.execute(_as(tenant))
        with self._of(tenant):
            yield
        await self.sql.execute(_AS_PLATFORM)

    @asynccontextmanager
    async def attempt_as(self, tenant: TenantId) -> AsyncIterator[None]:
        """The same for a block that takes its changes back when it fails, while the transaction goes on."""
        await self.sql.execute(f"SAVEPOINT attempt; {_as(tenant)}")
        try:
            with self._of(tenant):
                yield
        except BaseException:
            if not self.sql.is_closed():
                await self.sql.execute("ROLLBACK TO SAVEPOINT attempt")
            raise
        await self.sql.execute(f"{_AS_PLATFORM}; RELEASE SAVEPOINT attempt")

    @contextmanager
    def _of(self, tenant: TenantId) -> Iterator[None]:
        before, self.tenant = self.tenant, tenant
        try:
            yield
        finally:
            self.tenant = before

    async def flush(self) -> None:
        """Write what was collected; called once, right before the commit."""
        if self._events and self._audit:
            await self.sql.execute(_BOTH, *_columns(self._events), *_columns(self._audit))
        elif self._events:
            await self.sql.execute(APPEND, *_columns(self._events))
        elif self._audit:
            await self.sql.execute(AUDIT, *_columns(self._audit))


def _as(tenant: TenantId) -> str:
    return f'SET LOCAL ROLE "hg_{tenant}"; SET LOCAL search_path TO "{tenant}", platform'


def event_rows(happened: Sequence[Event], tenant: TenantId | None) -> list[EventRow]:
    """The event store's rows for these facts, told by the current context; data and metadata as JSON.

    Raises UnknownEventType.
    """
    context = current_context()
    metadata = EventMetadata.trusted(
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        request_id=context.request_id,
        traceparent=context.traceparent,
    ).model_dump_json(exclude_none=True)
    rows: list[EventRow] = []
    for fact in happened:
        CATALOGUE.check(fact)
        about = fact.about
        named = (new_id(EventId), about.type, about.version, fact.occurred_at, about.source)
        rows.append((*named, tenant, context.user_id, fact.subject, fact.model_dump_json(), metadata))
    return rows


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))
