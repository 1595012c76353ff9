"""Data keys, and bringing everything at rest under another one.

A tenant's process is set off by an event; one that no tenant owns is started by who asks for it, who may ask again.

Keys are rotated at once, by starting to encrypt with a new one; what the old one encrypted is re-encrypted by a
process that anybody may kill. Histories of workflows cannot be edited: their keys are kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.commands import FollowReencryption, ReencryptionState
from domain.security.events import DataKeyRotated
from domain.security.ids import DataKeyId, ReencryptionId
from domain.security.key_events import ReencryptionCompleted, ReencryptionRequested
from domain.security.key_model import DataKey, Reencryption, ReencryptionScope
from domain.security.permissions import REENCRYPT, ROTATE_DATA_KEY
from domain.security.ports import SecurityUnitOfWork

PLATFORM = "platform"
"""Owns what no tenant owns."""
NOTICED_WITHIN = timedelta(minutes=1)
"""After so long no process encrypts with a key that was replaced."""


async def rotate(
    uow: SecurityUnitOfWork, fresh: DataKey, wrapped: bytes, *, id: ReencryptionId, now: datetime
) -> Reencryption:
    """Encrypt with a fresh key, and bring under it what is at rest. Raises ReencryptionUnderWay."""
    tenant = None if fresh.owner == PLATFORM else TenantId(fresh.owner)
    previous = await uow.data_keys.rotate(fresh, wrapped)
    uow.events.append(
        DataKeyRotated(data_key_id=fresh.id, previous_data_key_id=previous, occurred_at=now), tenant=tenant
    )
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ROTATE_DATA_KEY.name, resource=fresh.id))
    return await _begin(uow, tenant, ReencryptionScope.DATA_KEY, fresh.id, id=id, now=now)


async def rewrap(uow: SecurityUnitOfWork, master_key_id: str, *, id: ReencryptionId, now: datetime) -> Reencryption:
    """Bring all data keys under this master key. Raises ReencryptionUnderWay."""
    return await _begin(uow, None, ReencryptionScope.MASTER_KEY, master_key_id, id=id, now=now)


async def _begin(
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    scope: ReencryptionScope,
    key_id: str,
    *,
    id: ReencryptionId,
    now: datetime,
) -> Reencryption:
    begun = Reencryption(id=id, tenant_id=tenant, scope=scope, key_id=key_id, requested_at=now)
    begun = begun.model_copy(update={"total": await uow.reencryptions.left(begun)})
    await uow.reencryptions.put(begun)
    if tenant is not None:
        uow.events.append(
            ReencryptionRequested(
                tenant_id=tenant,
                reencryption_id=id,
                scope=scope.value,
                key_id=key_id,
                total=begun.total,
                occurred_at=now,
            ),
            tenant=tenant,
        )
    details = {"scope": scope.value, "keyId": key_id, "total": begun.total}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=REENCRYPT.name, resource=id, details=details))
    return begun


async def complete(uow: SecurityUnitOfWork, cmd: FollowReencryption, *, now: datetime) -> ReencryptionState:
    """Say that it is done, if nothing is left and every process has noticed the key; where it stands. May be repeated.

    Raises ReencryptionNotFound.
    """
    there = await uow.reencryptions.get(None, cmd.reencryption_id)
    left = await uow.reencryptions.left(there)
    if there.completed_at is None and left == 0 and now >= there.requested_at + NOTICED_WITHIN:
        there = there.model_copy(update={"completed_at": now})
        await uow.reencryptions.put(there)
        if there.scope is ReencryptionScope.DATA_KEY:
            await uow.data_keys.emptied(there.tenant_id or PLATFORM, but=DataKeyId(there.key_id), at=now)
        uow.events.append(
            ReencryptionCompleted(
                tenant_id=there.tenant_id,
                reencryption_id=there.id,
                scope=there.scope.value,
                key_id=there.key_id,
                done=there.done,
                occurred_at=now,
            ),
            tenant=there.tenant_id,
        )
        details = {"scope": there.scope.value, "keyId": there.key_id, "done": there.done}
        uow.audit.record(
            AuditEntry(
                tenant_id=there.tenant_id, action="security.complete_reencryption", resource=there.id, details=details
            )
        )
    return state_of(there, left)


def state_of(reencryption: Reencryption, left: int) -> ReencryptionState:
    """As its process needs to know it."""
    return ReencryptionState(
        completed=reencryption.completed_at is not None,
        done=reencryption.done,
        left=left,
        noticed_at=reencryption.requested_at + NOTICED_WITHIN,
    )
