"""Erasing what a tenant left behind, for good: without its data keys nobody reads what was encrypted under them.

Histories of workflows and backups cannot be edited; keys can be destroyed (NIST SP 800-88, cryptographic erase).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.commands import ErasureState, FollowErasure
from domain.security.erasure_events import ErasureClosed, ErasureRequested
from domain.security.errors import ErasureNotOpen, ErasureUnderWay, TenantNotFound, TenantStillActive
from domain.security.ids import ErasureId
from domain.security.model import Erasure, ErasureStatus, TenantStatus
from domain.security.permissions import CANCEL_ERASURE, REQUEST_ERASURE
from domain.security.ports import SecurityUnitOfWork
from domain.security.subjects import refuse_while_held

LONGEST_GRACE = timedelta(days=90)
LOOKED_AT_EVERY = timedelta(hours=1)
"""While a legal hold is on the tenant."""


async def request(
    uow: SecurityUnitOfWork, tenant: TenantId, reason: str, *, id: ErasureId, grace: timedelta, now: datetime
) -> Erasure:
    """Destroy a removed tenant's data keys once the grace is over.

    Raises TenantNotFound, TenantStillActive, LegalHoldActive, ErasureUnderWay if it is asked for already, or done.
    """
    await uow.tenants.hold(tenant)
    found = await uow.tenants.find(tenant)
    if found is None:
        raise TenantNotFound
    if found.status is not TenantStatus.DEPROVISIONED:
        raise TenantStillActive
    await refuse_while_held(uow, tenant)
    other = await uow.erasures.of(tenant)
    if other is not None:
        raise ErasureUnderWay(erasure_id=other.id, status=other.status.value)
    erasure = Erasure(
        id=id, tenant_id=tenant, reason=reason, status=ErasureStatus.WAITING, requested_at=now, erase_at=now + grace
    )
    await uow.erasures.put(erasure)
    uow.events.append(
        ErasureRequested(tenant_id=tenant, erasure_id=id, erase_at=erasure.erase_at, occurred_at=now), tenant=tenant
    )
    uow.audit.record(AuditEntry(tenant_id=tenant, action=REQUEST_ERASURE.name, resource=id, details={"reason": reason}))
    return erasure


async def cancel(uow: SecurityUnitOfWork, erasure_id: ErasureId, *, now: datetime) -> Erasure:
    """Keep the keys after all. Raises ErasureNotFound, ErasureNotOpen if they are destroyed, or due to be."""
    erasure = await uow.erasures.get(erasure_id)
    if erasure.status is not ErasureStatus.WAITING or erasure.erase_at <= now:
        raise ErasureNotOpen(status=erasure.status.value)
    return await _close(uow, erasure, ErasureStatus.CANCELLED, action=CANCEL_ERASURE.name, now=now)


async def settle(uow: SecurityUnitOfWork, cmd: FollowErasure, *, now: datetime) -> ErasureState:
    """Destroy the keys if it is time, all of them in this transaction; where it stands. May be done again."""
    erasure = await uow.erasures.get(cmd.erasure_id)
    held = await uow.subjects.holds_on(erasure.tenant_id)
    if held and erasure.status is ErasureStatus.WAITING:
        return ErasureState(
            status=erasure.status.value,
            erase_at=max(erasure.erase_at, now + LOOKED_AT_EVERY),
            keys_destroyed=0,
            keys_left=await uow.erasures.keys_left(erasure.tenant_id),
        )
    if erasure.status is ErasureStatus.WAITING and erasure.erase_at <= now:
        destroyed = await uow.erasures.destroy_keys(erasure.tenant_id)
        erasure = erasure.model_copy(update={"keys_destroyed": destroyed})
        erasure = await _close(uow, erasure, ErasureStatus.ERASED, action="security.destroy_data_keys", now=now)
    left = await uow.erasures.keys_left(erasure.tenant_id)
    return ErasureState(
        status=erasure.status.value, erase_at=erasure.erase_at, keys_destroyed=erasure.keys_destroyed, keys_left=left
    )


async def _close(
    uow: SecurityUnitOfWork, erasure: Erasure, status: ErasureStatus, *, action: str, now: datetime
) -> Erasure:
    closed = erasure.model_copy(update={"status": status, "closed_at": now})
    await uow.erasures.put(closed)
    uow.events.append(
        ErasureClosed(
            tenant_id=erasure.tenant_id,
            erasure_id=erasure.id,
            outcome=status.value,
            keys_destroyed=closed.keys_destroyed,
            occurred_at=now,
        ),
        tenant=erasure.tenant_id,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=erasure.tenant_id,
            action=action,
            resource=erasure.id,
            details={"keysDestroyed": closed.keys_destroyed},
        )
    )
    return closed
