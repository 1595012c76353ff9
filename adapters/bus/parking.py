"""The table of parked events: one row per event and subscription that could not take it."""

from __future__ import annotations

from typing import Any

from adapters.bus.store import COLUMNS, recorded
from adapters.kernel.clock import new_id
from adapters.postgres.session import Session
from domain.bus.errors import BlockedBySubject
from domain.bus.event import RecordedEvent
from domain.bus.model import Batch, Parked, ParkedId
from domain.kernel.errors import HarborGridError
from domain.kernel.ids import TenantId

_EVENT = ", ".join(f"e.{column}" for column in COLUMNS.split(", "))
ROWS = f"""
SELECT p.id AS parked_id, p.subscription, p.code, p.reason, p.attempts, p.parked_at, {_EVENT}
FROM bus_parked p JOIN events e ON e.id = p.event_id
"""


async def park(session: Session, batch: Batch, event: RecordedEvent, error: Exception) -> None:
    """Set this event aside for this subscription; doing so again keeps the latest reason."""
    code, reason = why(error)
    await session.sql.execute(
        "INSERT INTO bus_parked (id, subscription, tenant_id, subject, event_id, xid, seq, code, reason, attempts) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
        "ON CONFLICT (subscription, event_id) DO UPDATE SET (code, reason) = (excluded.code, excluded.reason)",
        new_id(ParkedId),
        batch.subscription,
        batch.tenant_id,
        event.subject,
        event.id,
        *event.position,
        code,
        reason,
        0 if isinstance(error, BlockedBySubject) else 1,
    )


async def unpark(session: Session, parked_id: str, *, failed: Exception | None = None) -> None:
    """It was taken: forget it. Or it `failed` again: remember why, and count."""
    if failed is None:
        await session.sql.execute("DELETE FROM bus_parked WHERE id = $1", parked_id)
        return
    await session.sql.execute(
        "UPDATE bus_parked SET code = $2, reason = $3, attempts = attempts + 1 WHERE id = $1",
        parked_id,
        *why(failed),
    )


async def blocked_subjects(session: Session, subscription: str, tenant: TenantId) -> set[str]:
    """Subjects with a parked event: later events of theirs must wait, to keep their order."""
    rows = await session.sql.fetch(
        "SELECT DISTINCT subject FROM bus_parked WHERE subscription = $1 AND tenant_id = $2", subscription, tenant
    )
    return {row["subject"] for row in rows}


async def next_blocked(session: Session, subscription: str, tenant: TenantId, subject: str) -> str | None:
    """The oldest event that waits behind this subject, if nothing before it failed by itself."""
    row = await session.sql.fetchrow(
        "SELECT id, code FROM bus_parked WHERE subscription = $1 AND tenant_id = $2 AND subject = $3 "
        "ORDER BY xid, seq LIMIT 1",
        subscription,
        tenant,
        subject,
    )
    return str(row["id"]) if row and row["code"] == BlockedBySubject.code else None


async def count_parked(session: Session, subscription: str, tenant: TenantId) -> int:
    """How many of the tenant's events this subscription has set aside."""
    count: int = await session.sql.fetchval(
        "SELECT count(*) FROM bus_parked WHERE subscription = $1 AND tenant_id = $2", subscription, tenant
    )
    return count


async def parked_row(session: Session, tenant: TenantId | None, parked_id: str, *, lock: bool = False) -> Any:
    """The row of one parked event, or None."""
    return await session.sql.fetchrow(
        f"{ROWS} WHERE p.id = $1 AND ($2::text IS NULL OR p.tenant_id = $2)" + (" FOR UPDATE OF p" if lock else ""),
        parked_id,
        tenant,
    )


def reading(row: Any) -> Parked:
    """A parked event from its row."""
    event = recorded(row)
    assert event.tenant_id is not None
    return Parked.model_construct(
        id=ParkedId(row["parked_id"]),
        subscription=row["subscription"],
        tenant_id=event.tenant_id,
        subject=event.subject,
        event=event,
        code=row["code"],
        reason=row["reason"],
        attempts=row["attempts"],
        parked_at=row["parked_at"],
    )


def why(error: Exception) -> tuple[str, str]:
    """Code and sentence that are kept with a parked event."""
    if isinstance(error, HarborGridError):
        return error.code, error.message
    return "kernel.internal", f"{type(error).__name__}: {error}"
