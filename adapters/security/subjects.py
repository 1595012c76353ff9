"""Requests of data subjects, legal holds and retention rules, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.postgres.rows import hold as held
from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.personal_data import Receipt, Subject
from domain.security.ids import LegalHoldId, SubjectRequestId
from domain.security.subject_errors import LegalHoldNotFound, SubjectRequestNotFound, SubjectRequestUnderWay
from domain.security.subject_model import (
    LegalHold,
    RetentionCategory,
    RetentionRule,
    SubjectRequest,
    SubjectRequestKind,
)

_REQUEST = tuple(name for name in SubjectRequest.model_fields if name != "receipts")
_CHANGING = ("status", "blocked_by", "completed_at", "document_until", "certificate")
_HOLD = tuple(LegalHold.model_fields)


class PostgresSubjectRequests:
    """What was asked for, what was done, and what must not be."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, request: SubjectRequest, address: str) -> None:
        """Insert, with whom it is about."""
        columns = (*_REQUEST, "address")
        there = await self._sql.fetchval(
            f"INSERT INTO security_subject_request ({names(columns)}) VALUES ({places(columns)}) "
            "ON CONFLICT DO NOTHING RETURNING true",
            *values_of(request, _REQUEST),
            address,
        )
        if not there:
            raise SubjectRequestUnderWay

    async def put(self, request: SubjectRequest) -> None:
        """Replace what may change."""
        await self._sql.execute(
            f"UPDATE security_subject_request SET ({names(_CHANGING)}) = ($2, $3, $4, $5, $6) WHERE id = $1",
            request.id,
            *values_of(request, _CHANGING),
        )

    async def get(self, tenant: TenantId, id: SubjectRequestId, *, lock: bool = True) -> SubjectRequest:
        """Locked until the transaction ends, unless it is only looked at. Raises SubjectRequestNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_REQUEST)} FROM security_subject_request WHERE id = $1 AND tenant_id = $2"
            + (" FOR UPDATE" if lock else ""),
            id,
            tenant,
        )
        if row is None:
            raise SubjectRequestNotFound
        return await self._whole(row)

    async def open_for(self, tenant: TenantId, kind: SubjectRequestKind, digest: str) -> SubjectRequest | None:
        """The one that is not over, if there is one."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_REQUEST)} FROM security_subject_request WHERE tenant_id = $1 AND kind = $2 "
            "AND digest = $3 AND status IN ('waiting', 'blocked', 'running')",
            tenant,
            kind,
            digest,
        )
        return await self._whole(row) if row else None

    async def blocked(self, tenant: TenantId) -> Sequence[SubjectRequest]:
        """Those that something is in the way of."""
        rows = await self._sql.fetch(
            f"SELECT {names(_REQUEST)} FROM security_subject_request WHERE tenant_id = $1 AND status = 'blocked'",
            tenant,
        )
        return [await self._whole(row) for row in rows]

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[SubjectRequest]:
        """Newest first."""
        page = await newest_first(
            self._session,
            "security_subject_request",
            dict,
            where="tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )
        return Page(items=[await self._whole(row) for row in page.items], next_cursor=page.next_cursor)

    async def subject_of(self, id: SubjectRequestId) -> Subject:
        """Whom it is about, as of now: they may have joined since. Others' members are none of the tenant's business.

        Raises SubjectRequestNotFound once that is forgotten.
        """
        row = await self._sql.fetchrow(
            "UPDATE security_subject_request AS r SET user_id = coalesce((SELECT u.id FROM security_user AS u "
            "WHERE u.address_key = r.address AND "
            "(EXISTS (SELECT FROM security_membership WHERE tenant_id = r.tenant_id AND user_id = u.id) "
            "OR EXISTS (SELECT FROM security_session WHERE tenant_id = r.tenant_id AND user_id = u.id))), r.user_id) "
            "WHERE id = $1 AND address IS NOT NULL RETURNING tenant_id, address, user_id",
            id,
        )
        if row is None:
            raise SubjectRequestNotFound
        return Subject(**dict(row))

    async def forget(self, id: SubjectRequestId) -> None:
        """Whom it is about, and what was exported."""
        await self._sql.execute("UPDATE security_subject_request SET address = NULL, user_id = NULL WHERE id = $1", id)
        await self._sql.execute("UPDATE security_subject_receipt SET sealed = NULL WHERE request_id = $1", id)

    async def add_receipt(self, id: SubjectRequestId, tenant: TenantId, receipt: Receipt, sealed: bytes | None) -> None:
        """Insert; the first one of a module stays."""
        await self._sql.execute(
            "INSERT INTO security_subject_receipt (id, request_id, tenant_id, module, found, erased, kept, sealed) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
            f"{id}/{receipt.module}",
            id,
            tenant,
            receipt.module,
            receipt.found,
            receipt.erased,
            [each.model_dump() for each in receipt.kept],
            sealed,
        )

    async def exported(self, id: SubjectRequestId) -> Sequence[tuple[str, str, bytes]]:
        """Module, context and ciphertext of every part of an export that is there still."""
        rows = await self._sql.fetch(
            "SELECT module, id, sealed FROM security_subject_receipt WHERE request_id = $1 AND sealed IS NOT NULL "
            "ORDER BY at, module",
            id,
        )
        return [(row["module"], row["id"], row["sealed"]) for row in rows]

    async def put_hold(self, hold: LegalHold) -> None:
        """Insert or replace."""
        await held(self._session, f"security_legal_hold/{hold.tenant_id}")
        await self._sql.execute(
            f"INSERT INTO security_legal_hold ({names(_HOLD)}) VALUES ({places(_HOLD)}) ON CONFLICT (id) "
            "DO UPDATE SET lifted_at = excluded.lifted_at",
            *values_of(hold, _HOLD),
        )

    async def hold(self, tenant: TenantId, id: LegalHoldId) -> LegalHold:
        """Locked until the transaction ends. Raises LegalHoldNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_HOLD)} FROM security_legal_hold WHERE id = $1 AND tenant_id = $2 FOR UPDATE", id, tenant
        )
        if row is None:
            raise LegalHoldNotFound
        return LegalHold(**dict(row))

    async def holds(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[LegalHold]:
        """Newest first, lifted ones as well."""
        return await newest_first(
            self._session,
            "security_legal_hold",
            lambda row: LegalHold(**dict(row)),
            where="tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )

    async def holds_on(self, tenant: TenantId) -> Sequence[LegalHold]:
        """Those that are not lifted. No other is placed or lifted until the transaction ends."""
        await held(self._session, f"security_legal_hold/{tenant}")
        rows = await self._sql.fetch(
            f"SELECT {names(_HOLD)} FROM security_legal_hold WHERE tenant_id = $1 AND lifted_at IS NULL ORDER BY id",
            tenant,
        )
        return [LegalHold(**dict(row)) for row in rows]

    async def retention(self, tenant: TenantId) -> Sequence[RetentionRule]:
        """The rules there are."""
        rows = await self._sql.fetch(
            "SELECT category, days, applied_at FROM security_retention_rule WHERE tenant_id = $1", tenant
        )
        return [RetentionRule(**dict(row)) for row in rows]

    async def put_retention(self, tenant: TenantId, category: RetentionCategory, days: int | None) -> None:
        """Insert, replace, or take away."""
        if days is None:
            await self._sql.execute(
                "DELETE FROM security_retention_rule WHERE tenant_id = $1 AND category = $2", tenant, category
            )
            return
        await self._sql.execute(
            "INSERT INTO security_retention_rule (tenant_id, category, days) VALUES ($1, $2, $3) "
            "ON CONFLICT (tenant_id, category) DO UPDATE SET days = excluded.days",
            tenant,
            category,
            days,
        )

    async def _whole(self, row: Any) -> SubjectRequest:
        receipts = await self._sql.fetch(
            "SELECT module, found, erased, kept FROM security_subject_receipt WHERE request_id = $1 "
            "ORDER BY at, module",
            row["id"],
        )
        told = {name: row[name] for name in _REQUEST}
        return SubjectRequest(**told, receipts=tuple(Receipt(**dict(each)) for each in receipts))
