"""Reads the audit trail: records and their places, checkpoints, and proofs.

Records are written by `adapters.postgres.session` with the transaction that they tell of.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.sealing import head_of
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page, decode_cursor, encode_cursor
from domain.security.audit_log import PLATFORM_LOG, AuditCheckpoint, ConsistencyProof, InclusionProof, canonical
from domain.security.errors import AuditRecordNotFound, AuditRecordNotSealed, CheckpointNotFound
from domain.security.ids import AuditRecordId
from domain.security.merkle import Range, consistency_ranges, inclusion_ranges

_CHUNK = 1000
_RECORDS = """
SELECT record.id, record.tenant_id, record.at, record.actor_kind, record.actor_id, record.action, record.resource,
       record.outcome, record.request_id, record.correlation_id, record.details, leaf.index
FROM platform.security_audit AS record LEFT JOIN platform.security_audit_leaf AS leaf ON leaf.record_id = record.id
"""


class AuditReader:
    """One tenant's trail; None is everything to `page`, and the platform's own log to the rest."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[dict[str, Any]]:
        """Newest first."""
        before = decode_cursor(cursor, str)[0] if cursor else None

        async def work(session: Session) -> list[Any]:
            return await session.sql.fetch(
                f"{_RECORDS} WHERE ($1::text IS NULL OR record.tenant_id = $1) "
                "AND ($2::text IS NULL OR record.id < $2) ORDER BY record.id DESC LIMIT $3",
                tenant,
                before,
                limit + 1,
            )

        rows = [dict(row) for row in await self._database.read(tenant, work)]
        more = len(rows) > limit
        return Page(items=rows[:limit], next_cursor=encode_cursor(rows[limit - 1]["id"]) if more else None)

    async def sealed(self, tenant: TenantId | None) -> AsyncIterator[tuple[int, bytes, bytes]]:
        """Every sealed record in the log's order: its place, its canonical JSON, its leaf hash."""
        after = -1
        while rows := await self._database.read(tenant, partial(_chunk, log=tenant or PLATFORM_LOG, after=after)):
            for row in rows:
                yield row["index"], canonical(dict(row)), row["leaf"]
            after = rows[-1]["index"]

    async def checkpoints(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[AuditCheckpoint]:
        """Newest first."""
        before = decode_cursor(cursor, int)[0] if cursor else None
        rows = await self._database.read(
            tenant,
            lambda session: session.sql.fetch(
                "SELECT size, at, note FROM security_audit_checkpoint WHERE log = $1 "
                "AND ($2::bigint IS NULL OR size < $2) ORDER BY size DESC LIMIT $3",
                tenant or PLATFORM_LOG,
                before,
                limit + 1,
            ),
        )
        items = [AuditCheckpoint(**dict(row)) for row in rows[:limit]]
        return Page(items=items, next_cursor=encode_cursor(items[-1].size) if len(rows) > limit else None)

    async def inclusion(self, tenant: TenantId | None, record_id: AuditRecordId, size: int | None) -> InclusionProof:
        """That the record is in the log of this size; of the newest checkpoint unless told otherwise.

        Raises AuditRecordNotFound, AuditRecordNotSealed, CheckpointNotFound.
        """
        log = tenant or PLATFORM_LOG

        async def work(session: Session) -> InclusionProof:
            row = await session.sql.fetchrow(
                f"{_RECORDS} WHERE record.id = $1 AND coalesce(record.tenant_id, $2) = $3", record_id, PLATFORM_LOG, log
            )
            if row is None:
                raise AuditRecordNotFound(record_id=record_id)
            of = await _checkpoint(session, log, size)
            if row["index"] is None or row["index"] >= of:
                raise AuditRecordNotSealed(record_id=record_id)
            index: int = row["index"]
            return InclusionProof(
                record_id=record_id,
                record=canonical(dict(row)).decode(),
                index=index,
                size=of,
                leaf_hash=_text(await head_of(session, log, Range(index, index + 1))),
                root_hash=_text(await head_of(session, log, Range(0, of))),
                path=tuple([_text(await head_of(session, log, part)) for part in inclusion_ranges(index, of)]),
            )

        return await self._database.read(tenant, work)

    async def consistency(self, tenant: TenantId | None, first: int, second: int) -> ConsistencyProof:
        """That the log of the second checkpoint begins with that of the first. Raises CheckpointNotFound."""
        log = tenant or PLATFORM_LOG

        async def work(session: Session) -> ConsistencyProof:
            for size in (first, second):
                await _checkpoint(session, log, size)
            return ConsistencyProof(
                first=first,
                second=second,
                first_root_hash=_text(await head_of(session, log, Range(0, first))),
                second_root_hash=_text(await head_of(session, log, Range(0, second))),
                path=tuple([_text(await head_of(session, log, part)) for part in consistency_ranges(first, second)]),
            )

        return await self._database.read(tenant, work)


async def _chunk(session: Session, *, log: str, after: int) -> list[Any]:
    return await session.sql.fetch(
        f"{_RECORDS.replace('leaf.index', 'leaf.index, leaf.leaf')} WHERE leaf.log = $1 AND leaf.index > $2 "
        f"ORDER BY leaf.index LIMIT {_CHUNK}",
        log,
        after,
    )


async def _checkpoint(session: Session, log: str, size: int | None) -> int:
    """This checkpoint's size, or the newest one's. Raises CheckpointNotFound."""
    found: int | None = await session.sql.fetchval(
        "SELECT max(size) FROM security_audit_checkpoint WHERE log = $1 AND ($2::bigint IS NULL OR size = $2)",
        log,
        size,
    )
    if found is None:
        raise CheckpointNotFound(size=size)
    return found


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
