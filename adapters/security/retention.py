"""Deletes what tenants want to keep no longer, some thousands of rows in a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.subjects import PostgresSubjectRequests
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.subject_commands import RetentionApplied
from domain.security.subject_model import RetentionCategory

_AT_ONCE = 5_000
# Rows of tenant $1 that were over before $2. In the tenant's own schema, there is no $1 to ask for.
_OVER: Mapping[RetentionCategory, tuple[str, str]] = {
    RetentionCategory.DELIVERIES: ("notifications_delivery", "created_at < $2 AND status <> 'sending'"),
    RetentionCategory.THREATS: ("security_threat", "tenant_id = $1 AND closed_at < $2"),
    RetentionCategory.RISKS: ("security_risk", "tenant_id = $1 AND closed_at < $2"),
    RetentionCategory.EVIDENCE: ("security_evidence", "tenant_id = $1 AND fresh_until < $2"),
}


class PostgresRetention:
    """See `domain.security.subject_ports.RetentionSweeper`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sweep(self, *, now: datetime, heartbeat: Callable[..., None]) -> RetentionApplied:
        """Each tenant and category in transactions of their own; what is under a legal hold stays."""
        rules = await self._database.run(
            None,
            lambda session: session.sql.fetch(
                "SELECT r.tenant_id, r.category, r.days FROM security_retention_rule AS r "
                "JOIN security_tenant AS t ON t.id = r.tenant_id WHERE t.status = 'active' ORDER BY 1, 2"
            ),
        )
        deleted = 0
        for rule in rules:
            gone = 0
            while some := await self._database.run(None, partial(_delete, rule=rule, now=now)):
                gone += some
                heartbeat(deleted + gone)
            deleted += gone
            await self._database.run(None, partial(_applied, rule=rule, gone=gone, now=now))
        return RetentionApplied(tenants=len({rule["tenant_id"] for rule in rules}), deleted=deleted)


async def _delete(session: Session, rule: Any, now: datetime) -> int:
    tenant = TenantId(rule["tenant_id"])
    if await PostgresSubjectRequests(session).holds_on(tenant):
        return 0
    category = RetentionCategory(rule["category"])
    table, over = _OVER[category]
    sql = (
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE $1::text IS NOT NULL AND {over} "
        f"LIMIT {_AT_ONCE}) RETURNING id"
    )
    before = now - timedelta(days=rule["days"])
    if category is RetentionCategory.DELIVERIES:
        async with session.acting_as(tenant):
            return len(await session.sql.fetch(sql, tenant, before))
    return len(await session.sql.fetch(sql, tenant, before))


async def _applied(session: Session, rule: Any, gone: int, now: datetime) -> None:
    if await PostgresSubjectRequests(session).holds_on(TenantId(rule["tenant_id"])):
        return
    await session.sql.execute(
        "UPDATE security_retention_rule SET applied_at = $3 WHERE tenant_id = $1 AND category = $2",
        rule["tenant_id"],
        rule["category"],
        now,
    )
    if gone:
        session.record(
            AuditEntry(
                tenant_id=TenantId(rule["tenant_id"]),
                action="security.apply_retention",
                resource=rule["category"],
                details={"deleted": gone, "days": rule["days"]},
            )
        )
