"""`/v1/security/audit-records`: who did what, and the proof that nobody rewrote it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import visible_tenant
from api.problems import problems
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.audit_log import InclusionProof
from domain.security.errors import AuditRecordNotFound, AuditRecordNotSealed, CheckpointNotFound
from domain.security.ids import AuditRecordId
from domain.security.permissions import EXPORT_AUDIT_RECORDS, READ_AUDIT_RECORDS

router = APIRouter(prefix="/v1/security/audit-records", tags=["security"], route_class=Route)

Size = Annotated[int | None, Query(ge=1, description="Size of the checkpoint; the newest one's unless told otherwise.")]


class AuditRecord(Payload):
    """One security-relevant action."""

    id: AuditRecordId
    tenant_id: TenantId | None
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    resource: str
    outcome: str
    request_id: str | None
    correlation_id: str | None
    details: dict[str, Any]
    index: int | None = Field(description="Its place in the log, from 0; null until it is sealed.")


@router.get("", response_model=Answer[Page[AuditRecord]])
async def list_audit_records(
    tenant: Annotated[TenantId | None, visible_tenant(READ_AUDIT_RECORDS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[AuditRecord]]:
    """Audit records, newest first."""
    page = await world.audit_trail.page(tenant, cursor=cursor, limit=limit)
    return ok(Page(items=[AuditRecord(**record) for record in page.items], next_cursor=page.next_cursor))


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The sealed records in the log's order, one canonical JSON object (RFC 8785) a line. "
            "SHA-256 over a zero byte and the line is its leaf.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
)
async def export_audit_records(
    tenant: Annotated[TenantId | None, visible_tenant(EXPORT_AUDIT_RECORDS)],
    world: World,
) -> StreamingResponse:
    """The whole log, to be kept and checked elsewhere. Without a tenant it is the platform's own."""

    async def lines() -> AsyncIterator[bytes]:
        async for _, record, _ in world.audit_trail.sealed(tenant):
            yield record + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.get(
    "/{record_id}/proof",
    response_model=Answer[InclusionProof],
    responses=problems(AuditRecordNotFound, AuditRecordNotSealed, CheckpointNotFound),
)
async def prove_audit_record(
    record_id: AuditRecordId,
    tenant: Annotated[TenantId | None, visible_tenant(READ_AUDIT_RECORDS)],
    world: World,
    size: Size = None,
) -> Answer[InclusionProof]:
    """That the record is in the log of a checkpoint: hash it along the path and compare with the checkpoint's root."""
    return ok(await world.audit_trail.inclusion(tenant, record_id, size))
