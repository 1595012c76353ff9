"""Answering data subjects: with a copy of what is kept, or by erasing it; and what must not be erased."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.checkpoint import CheckpointSigner
from domain.security.ids import LegalHoldId, SubjectRequestId
from domain.security.masking import Mask, masked
from domain.security.people import Role, address_key
from domain.security.permissions import (
    CANCEL_SUBJECT_REQUEST,
    LIFT_LEGAL_HOLD,
    MAKE_SUBJECT_REQUEST,
    PLACE_LEGAL_HOLD,
)
from domain.security.ports import SecurityUnitOfWork
from domain.security.subject_commands import FollowSubjectRequest, SubjectRequestState
from domain.security.subject_errors import LegalHoldActive, SubjectRequestNotOpen, SubjectRequestUnderWay
from domain.security.subject_events import SubjectRequestChanged, SubjectRequestCompleted, SubjectRequestReceived
from domain.security.subject_model import (
    ANSWERED_WITHIN,
    DOCUMENT_FOR,
    OPEN,
    LegalHold,
    SubjectRequest,
    SubjectRequestKind,
    SubjectRequestStatus,
)

LAST_OWNER = "the subject is the tenant's last owner: make another member an owner"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a data subject asks for; the address is that which they are known by."""

    kind: SubjectRequestKind
    email: str
    reason: str
    grace: timedelta


def new_request(wish: Wish, *, id: SubjectRequestId, tenant: TenantId, key: bytes, now: datetime) -> SubjectRequest:
    """Addresses are kept beside it, until it is over; the request itself names nobody."""
    return SubjectRequest(
        id=id,
        tenant_id=tenant,
        kind=wish.kind,
        subject=masked(wish.email, Mask.EMAIL),
        digest=hmac.digest(key, address_key(wish.email).encode(), "sha256").hex(),
        reason=wish.reason,
        status=SubjectRequestStatus.WAITING,
        requested_at=now,
        due_at=now + ANSWERED_WITHIN,
        run_at=now + (wish.grace if wish.kind is SubjectRequestKind.ERASURE else timedelta()),
    )


async def receive(uow: SecurityUnitOfWork, request: SubjectRequest, email: str, *, now: datetime) -> SubjectRequest:
    """Begin. Raises SubjectRequestUnderWay if the same is asked for already."""
    there = await uow.subjects.open_for(request.tenant_id, request.kind, request.digest)
    if there is not None:
        raise SubjectRequestUnderWay(subject_request_id=there.id, status=there.status.value)
    await uow.subjects.add(request, address_key(email))
    uow.events.append(
        SubjectRequestReceived(
            tenant_id=request.tenant_id,
            subject_request_id=request.id,
            kind=request.kind,
            due_at=request.due_at,
            occurred_at=now,
        ),
        tenant=request.tenant_id,
    )
    _audit(uow, request, MAKE_SUBJECT_REQUEST.name, {"kind": request.kind.value, "reason": request.reason})
    return request


async def cancel(uow: SecurityUnitOfWork, tenant: TenantId, id: SubjectRequestId, *, now: datetime) -> SubjectRequest:
    """While it has not begun. Raises SubjectRequestNotFound, SubjectRequestNotOpen."""
    request = await uow.subjects.get(tenant, id)
    if request.status not in (SubjectRequestStatus.WAITING, SubjectRequestStatus.BLOCKED):
        raise SubjectRequestNotOpen(status=request.status.value)
    request = request.model_copy(update={"status": SubjectRequestStatus.CANCELLED, "completed_at": now})
    await uow.subjects.put(request)
    await uow.subjects.forget(request.id)
    _changed(uow, request, "cancelled", now=now)
    _audit(uow, request, CANCEL_SUBJECT_REQUEST.name, {})
    return request


async def settle(
    uow: SecurityUnitOfWork, cmd: FollowSubjectRequest, modules: Sequence[str], *, now: datetime
) -> SubjectRequestState:
    """Let it begin if it is time and nothing is in the way; forget an export that has expired; where it stands."""
    request = await uow.subjects.get(cmd.tenant_id, cmd.subject_request_id)
    if request.status in OPEN and request.run_at <= now:
        request = await _let(uow, request)
    if request.document_until is not None and request.document_until <= now:
        await uow.subjects.forget(request.id)
        request = request.model_copy(update={"document_until": None})
        await uow.subjects.put(request)
        _audit(uow, request, "security.expire_subject_export", {})
    return _state(request, modules)


def _state(request: SubjectRequest, modules: Sequence[str]) -> SubjectRequestState:
    done = {receipt.module for receipt in request.receipts}
    return SubjectRequestState(
        status=request.status.value,
        kind=request.kind.value,
        blocked_by=request.blocked_by,
        run_at=request.run_at,
        document_until=request.document_until,
        modules=tuple(module for module in modules if module not in done),
    )


async def complete(
    uow: SecurityUnitOfWork,
    cmd: FollowSubjectRequest,
    modules: Sequence[str],
    *,
    left: int,
    signer: CheckpointSigner,
    now: datetime,
) -> SubjectRequestState:
    """Sign for it: only if every module has given its receipt, and nothing is left that ought to be erased."""
    request = await uow.subjects.get(cmd.tenant_id, cmd.subject_request_id)
    missing = set(modules) - {receipt.module for receipt in request.receipts}
    if request.status is SubjectRequestStatus.RUNNING and not missing and not left:
        request = request.model_copy(update={"status": SubjectRequestStatus.COMPLETED, "completed_at": now})
        if request.kind is SubjectRequestKind.ERASURE:
            request = request.model_copy(update={"certificate": signer.note(certificate(request, now=now))})
            await uow.subjects.forget(request.id)
        else:
            request = request.model_copy(update={"document_until": now + DOCUMENT_FOR})
        await uow.subjects.put(request)
        uow.events.append(
            SubjectRequestCompleted(
                tenant_id=request.tenant_id, subject_request_id=request.id, kind=request.kind, occurred_at=now
            ),
            tenant=request.tenant_id,
        )
        found = sum(receipt.found for receipt in request.receipts)
        _audit(uow, request, "security.complete_subject_request", {"kind": request.kind.value, "found": found})
    return _state(request, modules)


def certificate(request: SubjectRequest, *, now: datetime) -> str:
    """What is signed: lines that a person can read, a line for each module."""
    lines = [
        f"harborgrid/erasure/{request.id}",
        f"tenant {request.tenant_id}",
        f"subject hmac-sha256:{request.digest}",
        f"requested {request.requested_at.isoformat()}",
        f"completed {now.isoformat()}",
    ]
    for receipt in request.receipts:
        kept = "".join(f"; keeps {each.count} {each.what}: {each.why}" for each in receipt.kept)
        lines.append(f"{receipt.module}: found {receipt.found}, erased {receipt.erased}{kept}")
    return "\n".join(lines) + "\n"


async def place_hold(uow: SecurityUnitOfWork, hold: LegalHold) -> LegalHold:
    """From now on nothing of it is erased, by nobody."""
    await uow.subjects.put_hold(hold)
    _audit_hold(uow, hold, PLACE_LEGAL_HOLD.name)
    return hold


async def lift_hold(uow: SecurityUnitOfWork, tenant: TenantId, id: LegalHoldId, *, now: datetime) -> LegalHold:
    """Its matter is over; what waited for it goes on. Doing so again changes nothing. Raises LegalHoldNotFound."""
    hold = await uow.subjects.hold(tenant, id)
    if hold.lifted_at is not None:
        return hold
    hold = hold.model_copy(update={"lifted_at": now})
    await uow.subjects.put_hold(hold)
    for request in await uow.subjects.blocked(tenant):
        _changed(uow, request, "hold_lifted", now=now)
    _audit_hold(uow, hold, LIFT_LEGAL_HOLD.name)
    return hold


async def refuse_while_held(uow: SecurityUnitOfWork, tenant: TenantId) -> None:
    """Raises LegalHoldActive if anything of this tenant must not be erased."""
    holds = await uow.subjects.holds_on(tenant)
    if holds:
        raise LegalHoldActive(holds=[hold.id for hold in holds])


async def _let(uow: SecurityUnitOfWork, request: SubjectRequest) -> SubjectRequest:
    """Run, unless something is in the way: then it waits, also in the middle."""
    blocked_by = await _in_the_way(uow, request)
    status = SubjectRequestStatus.BLOCKED if blocked_by else SubjectRequestStatus.RUNNING
    if (status, blocked_by) == (request.status, request.blocked_by):
        return request
    request = request.model_copy(update={"status": status, "blocked_by": blocked_by})
    await uow.subjects.put(request)
    return request


async def _in_the_way(uow: SecurityUnitOfWork, request: SubjectRequest) -> str | None:
    if request.kind is not SubjectRequestKind.ERASURE:
        return None
    subject = await uow.subjects.subject_of(request.id)
    for hold in await uow.subjects.holds_on(request.tenant_id):
        if hold.subject is None or address_key(hold.subject) == subject.address:
            return f"legal hold {hold.id}: {hold.matter}"
    if subject.user_id is None:
        return None
    await uow.members.hold(request.tenant_id)
    account = await uow.users.find(subject.user_id)
    roles = [each.role for each in account.memberships if each.tenant_id == request.tenant_id] if account else []
    if Role.OWNER in roles and await uow.members.owners(request.tenant_id) == 1:
        return LAST_OWNER
    return None


def _changed(uow: SecurityUnitOfWork, request: SubjectRequest, change: str, *, now: datetime) -> None:
    uow.events.append(
        SubjectRequestChanged(
            tenant_id=request.tenant_id, subject_request_id=request.id, change=change, occurred_at=now
        ),
        tenant=request.tenant_id,
    )


def _audit(uow: SecurityUnitOfWork, request: SubjectRequest, action: str, details: dict[str, object]) -> None:
    uow.audit.record(AuditEntry(tenant_id=request.tenant_id, action=action, resource=request.id, details=dict(details)))


def _audit_hold(uow: SecurityUnitOfWork, hold: LegalHold, action: str) -> None:
    uow.audit.record(
        AuditEntry(tenant_id=hold.tenant_id, action=action, resource=hold.id, details={"matter": hold.matter})
    )
