"""The clock of a personal data breach: 72 hours to notify the authority, whatever happens to our processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.breach_errors import (
    BreachClosed,
    BreachDelayUnexplained,
    BreachInstantInvalid,
    BreachNotSettled,
)
from domain.security.breach_events import BreachChanged, BreachDeadlineMissed, BreachReported
from domain.security.breach_model import NOTIFY_WITHIN, Breach
from domain.security.commands import BreachState, FollowBreach
from domain.security.ids import BreachId
from domain.security.permissions import (
    ASSESS_BREACH,
    CLOSE_BREACH,
    RECORD_BREACH_NOTICE,
    REPORT_BREACH,
)
from domain.security.ports import SecurityUnitOfWork

OLDEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class AuthorityNotice:
    """Which supervisory authority was notified, and when; why not earlier, if it was later than 72 hours."""

    authority: str
    reference: str | None
    at: datetime
    delay_reason: str | None


async def report(uow: SecurityUnitOfWork, breach: Breach, *, now: datetime) -> Breach:
    """Start the clock. Raises BreachInstantInvalid if one became aware of it in the future, or long ago."""
    if not now - OLDEST <= breach.aware_at <= now:
        raise BreachInstantInvalid(field="awareAt")
    await uow.breaches.put(breach)
    uow.events.append(
        BreachReported(tenant_id=breach.tenant_id, breach_id=breach.id, due_at=breach.due_at, occurred_at=now),
        tenant=breach.tenant_id,
    )
    details = {"awareAt": breach.aware_at.isoformat(), "dueAt": breach.due_at.isoformat()}
    uow.audit.record(
        AuditEntry(tenant_id=breach.tenant_id, action=REPORT_BREACH.name, resource=breach.id, details=details)
    )
    return breach


async def assess(
    uow: SecurityUnitOfWork, tenant: TenantId, breach_id: BreachId, changes: dict[str, object], *, now: datetime
) -> Breach:
    """Say what is known by now. Raises BreachNotFound, BreachClosed."""
    breach = await _open(uow, tenant, breach_id)
    return await _changed(uow, breach, "assessed", changes, action=ASSESS_BREACH.name, now=now)


async def authority_notified(
    uow: SecurityUnitOfWork,
    tenant: TenantId,
    breach_id: BreachId,
    notice: AuthorityNotice,
    *,
    now: datetime,
) -> Breach:
    """Stop the clock. Raises BreachNotFound, BreachClosed, BreachInstantInvalid, BreachDelayUnexplained."""
    breach = await _open(uow, tenant, breach_id)
    if not breach.aware_at <= notice.at <= now:
        raise BreachInstantInvalid(field="at")
    if notice.at > breach.due_at and not notice.delay_reason:
        raise BreachDelayUnexplained(due_at=breach.due_at.isoformat())
    changes: dict[str, object] = {
        "authority": notice.authority,
        "reference": notice.reference,
        "notified_at": notice.at,
        "delay_reason": notice.delay_reason,
    }
    return await _changed(uow, breach, "authority_notified", changes, action=RECORD_BREACH_NOTICE.name, now=now)


async def subjects_told(
    uow: SecurityUnitOfWork, tenant: TenantId, breach_id: BreachId, *, at: datetime, now: datetime
) -> Breach:
    """The people whose data it is know (Article 34). Raises BreachNotFound, BreachClosed, BreachInstantInvalid."""
    breach = await _open(uow, tenant, breach_id)
    if not breach.aware_at <= at <= now:
        raise BreachInstantInvalid(field="at")
    changes: dict[str, object] = {"subjects_told_at": at}
    return await _changed(uow, breach, "subjects_told", changes, action=RECORD_BREACH_NOTICE.name, now=now)


async def close(uow: SecurityUnitOfWork, tenant: TenantId, breach_id: BreachId, *, now: datetime) -> Breach:
    """Everybody was told who has to be. Raises BreachNotFound, BreachClosed, BreachNotSettled."""
    breach = await _open(uow, tenant, breach_id)
    waiting = [
        *(["authority"] if breach.waits_for_authority else []),
        *(["subjects"] if breach.waits_for_subjects else []),
    ]
    if waiting:
        raise BreachNotSettled(waiting=waiting)
    return await _changed(uow, breach, "closed", {"closed_at": now}, action=CLOSE_BREACH.name, now=now)


async def settle(uow: SecurityUnitOfWork, cmd: FollowBreach, *, now: datetime) -> BreachState:
    """Write down that the deadline was missed, if it was; where it stands. May be done again. Raises BreachNotFound."""
    breach = await uow.breaches.get(cmd.tenant_id, cmd.breach_id)
    if breach.waits_for_authority and breach.due_at <= now and breach.missed_at is None:
        breach = breach.model_copy(update={"missed_at": now})
        await uow.breaches.put(breach)
        uow.events.append(
            BreachDeadlineMissed(
                tenant_id=breach.tenant_id, breach_id=breach.id, due_at=breach.due_at, occurred_at=now
            ),
            tenant=breach.tenant_id,
        )
        uow.audit.record(
            AuditEntry(tenant_id=breach.tenant_id, action="security.miss_breach_deadline", resource=breach.id)
        )
    return BreachState(
        title=breach.title,
        aware_at=breach.aware_at,
        due_at=breach.due_at,
        waits_for_authority=breach.waits_for_authority,
        waits_for_subjects=breach.waits_for_subjects,
        closed=breach.closed_at is not None,
    )


def due(aware_at: datetime) -> datetime:
    """By when the authority has to be notified."""
    return aware_at + NOTIFY_WITHIN


async def _open(uow: SecurityUnitOfWork, tenant: TenantId, breach_id: BreachId) -> Breach:
    breach = await uow.breaches.get(tenant, breach_id)
    if breach.closed_at is not None:
        raise BreachClosed
    return breach


async def _changed(
    uow: SecurityUnitOfWork,
    breach: Breach,
    change: str,
    changes: dict[str, object],
    *,
    action: str,
    now: datetime,
) -> Breach:
    changed = breach.model_copy(update=changes)
    await uow.breaches.put(changed)
    uow.events.append(
        BreachChanged(tenant_id=breach.tenant_id, breach_id=breach.id, change=change, occurred_at=now),
        tenant=breach.tenant_id,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=breach.tenant_id,
            action=action,
            resource=breach.id,
            details={"change": change, "fields": sorted(changes)},
        )
    )
    return changed
