"""One open transaction: statements now, events and audit records together at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from adapters.kernel.clock import new_id, utc_now
from domain.bus.event import Event, EventId, EventMetadata
from domain.catalogue import CATALOGUE
from domain.kernel.audit import AuditEntry
from domain.kernel.context import current_context
from domain.kernel.ids import TenantId
from domain.security.ids import AuditRecordId

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

APPEND = """
INSERT INTO platform.events (id, type, version, timestamp, source, tenant_id, user_id, subject, data, metadata)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::jsonb[], $10::jsonb[])
"""
AUDIT = """
INSERT INTO platform.security_audit
    (id, tenant_id, at, actor_kind, actor_id, action, resource, outcome, request_id, correlation_id, details)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::text[], $10::text[], $11::jsonb[])
"""


EventRow = tuple[str, str, str, datetime, str, str | None, str | None, str, Any, Any]


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

    def append(self, *happened: Event, tenant: TenantId | None = None) -> None:
        """Record these facts at the end of the transaction. Raises UnknownEventType at once."""
        self._events.extend(event_row(fact, tenant or self.tenant) for fact in happened)

    def record(self, entry: AuditEntry) -> None:
        """Write this audit record at the end of the transaction."""
        context = current_context()
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
                entry.details,
            )
        )

    @asynccontextmanager
    async def acting_as(self, tenant: TenantId) -> AsyncIterator[None]:
        """Run a block of this platform transaction with a tenant's rights only.

        When the block fails, so does the transaction, or the savepoint around it, and the role with it.
        """
        await self.sql.execute(f'SET LOCAL ROLE "hg_{tenant}"; SET LOCAL search_path TO "{tenant}", platform')
        yield
        await self.sql.execute("RESET ROLE; SET LOCAL search_path TO platform")

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A block that takes its changes back when it fails, while the transaction goes on."""
        await self.sql.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if not self.sql.is_closed():
                await self.sql.execute("ROLLBACK TO SAVEPOINT attempt")
            raise
        await self.sql.execute("RELEASE SAVEPOINT attempt")

    async def flush(self) -> None:
        """Write what was collected; called once, right before the commit."""
        if self._events:
            await self.sql.execute(APPEND, *_columns(self._events))
        if self._audit:
            await self.sql.execute(AUDIT, *_columns(self._audit))


def event_row(fact: Event, tenant: TenantId | None) -> EventRow:
    """The row of the event store for this fact, told by the current context."""
    CATALOGUE.check(fact)
    context = current_context()
    metadata = EventMetadata(
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        request_id=context.request_id,
        traceparent=context.traceparent,
    )
    return (
        new_id(EventId),
        fact.about.type,
        fact.about.version,
        fact.occurred_at,
        fact.about.source,
        tenant,
        context.user_id,
        fact.subject,
        fact.model_dump(mode="json"),
        metadata.model_dump(mode="json", exclude_none=True),
    )


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def json_text(value: object) -> str:
    """JSON for a parameter of a statement that is prepared without the session's codecs."""
    return orjson.dumps(value).decode()
