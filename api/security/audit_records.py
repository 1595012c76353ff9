"""`/v1/security/audit-records`: who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter

from adapters.security.audit import AuditReader
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import Readable
from api.routes import Route
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload
from domain.security.ids import AuditRecordId

router = APIRouter(prefix="/v1/security/audit-records", tags=["security"], route_class=Route)


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


@router.get("", response_model=Answer[Page[AuditRecord]])
async def list_audit_records(
    tenant: Readable, world: World, cursor: Cursor = None, limit: Limit = DEFAULT
) -> Answer[Page[AuditRecord]]:
    """Audit records, newest first."""
    page = await AuditReader(world.database).page(tenant, cursor=cursor, limit=limit)
    return ok(Page(items=[AuditRecord(**record) for record in page.items], next_cursor=page.next_cursor))
