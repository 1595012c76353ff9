"""The table of parked events: one row per event and subscription that could not take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.bus.store import columns, recorded
from adapters.bus.trials import SetAside
from adapters.kernel.clock import new_id
from adapters.postgres.session import Session
from domain.bus.errors import BlockedBySubject
from domain.bus.event import Position
from domain.bus.model import Parked, ParkedId
from domain.kernel.errors import HarborGridError
from domain.kernel.ids import TenantId

ROWS = f"""
SELECT p.id AS parked_id, p.subscription, p.code, p.reason, p.attempts, p.parked_at, {columns("e")}
FROM bus_parked p JOIN events e ON e.id = p.event_id
"""


async def park(session: Session, subscription: str, aside: SetAside) -> None:
    """Set this event aside for this subscription; doing so again adds the attempts and keeps the latest reason."""
    code, reason = why(aside.error)
    await session.sql.execute(
        "INSERT INTO bus_parked (id, subscription, tenant_id, subject, event_id, xid, seq, code, reason, attempts) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (subscription, event_id) DO UPDATE "
        "SET (code, reason, attempts) = (excluded.code, excluded.reason, bus_parked.attempts + excluded.attempts)",
        new_id(ParkedId),
        subscription,
        aside.event.tenant_id,
        aside.event.subject,
        aside.event.id,
        *aside.event.position,
        code,
        reason,
        aside.attempts,
    )


async def unpark(session: Session, parked_id: ParkedId, *, failed: Exception | None = None) -> None:
    """It was taken: forget it. Or it `failed` again: remember why, and count."""
    if failed is None:
        await session.sql.execute("DELETE FROM bus_parked WHERE id = $1", parked_id)
        return
    await session.sql.execute(
        "UPDATE bus_parked SET code = $2, reason = $3, attempts = attempts + 1 WHERE id = $1",
        parked_id,
        *why(failed),
    )


async def blocked_subjects(session: Session, subscription: str, tenant: TenantId) -> dict[str, Position]:
    """Subjects with a parked event, and the oldest one's place: what comes later must wait, to keep the order."""
    rows = await session.sql.fetch(
        "SELECT DISTINCT ON (subject) subject, xid, seq FROM bus_parked WHERE subscription = $1 AND tenant_id = $2 "
        "ORDER BY subject, xid, seq",
        subscription,
        tenant,
    )
    return {row["subject"]: Position(row["xid"], row["seq"]) for row in rows}


async def oldest_parked(session: Session, subscription: str, tenant: TenantId, subject: str) -> Parked | None:
    """The event that the others of this subject wait for."""
    row = await session.sql.fetchrow(
        f"{ROWS} WHERE p.subscription = $1 AND p.tenant_id = $2 AND p.subject = $3 ORDER BY p.xid, p.seq LIMIT 1",
        subscription,
        tenant,
        subject,
    )
    return reading(row) if row else None


async def subjects_to_redeliver(
    session: Session, subscription: str, tenant: TenantId, asked: Sequence[ParkedId]
) -> list[str]:
    """Subjects of the events asked for, and those whose oldest event waits for one that is parked no more.

    The latter are left by a redelivery that crashed after it took the event in front of them.
    """
    rows = await session.sql.fetch(
        "SELECT subject FROM bus_parked WHERE subscription = $1 AND tenant_id = $2 AND id = ANY($3) "
        "UNION SELECT subject FROM (SELECT DISTINCT ON (subject) subject, code FROM bus_parked "
        "WHERE subscription = $1 AND tenant_id = $2 ORDER BY subject, xid, seq) AS oldest WHERE code = $4",
        subscription,
        tenant,
        list(asked),
        BlockedBySubject.code,
    )
    return [row["subject"] for row in rows]


async def count_parked(session: Session, subscription: str, tenant: TenantId) -> int:
    """How many of the tenant's events this subscription has set aside."""
    count: int = await session.sql.fetchval(
        "SELECT count(*) FROM bus_parked WHERE subscription = $1 AND tenant_id = $2", subscription, tenant
    )
    return count


async def parked_row(session: Session, tenant: TenantId | None, parked_id: str) -> Any:
    """The row of one parked event, or None."""
    return await session.sql.fetchrow(
        f"{ROWS} WHERE p.id = $1 AND ($2::text IS NULL OR p.tenant_id = $2)", parked_id, tenant
    )


def reading(row: Any) -> Parked:
    """A parked event from its row."""
    event = recorded(row)
    assert event.tenant_id is not None
    return Parked.trusted(
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
    """Code and sentence that are kept with a parked event, in characters that PostgreSQL can store."""
    code, reason = HarborGridError.code, f"{type(error).__name__}: {error}"
    if isinstance(error, HarborGridError):
        code, reason = error.code, error.message
    return code, reason.encode(errors="replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
