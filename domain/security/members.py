"""What can be done with a tenant's people and their sessions."""

from __future__ import annotations

from datetime import datetime

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId, UserId
from domain.security.elevations import end_all
from domain.security.errors import RoleAboveYours
from domain.security.events import Factor, MemberLeft, MemberRoleChanged, SessionEnded
from domain.security.grants import revoke_grants_of
from domain.security.ids import SessionId
from domain.security.invitations import close_invitations
from domain.security.oauth import RevokeReason
from domain.security.people import EndReason, Member, Role, Session
from domain.security.people_errors import LastOwner, SessionNotFound
from domain.security.permissions import CHANGE_MEMBER, REMOVE_MEMBER, REVOKE_SESSIONS, STEP_UP
from domain.security.ports import SecurityUnitOfWork


async def change_role(
    uow: SecurityUnitOfWork, tenant: TenantId, user_id: UserId, role: Role, *, by: Role | None, now: datetime
) -> Member:
    """Let a member be something else, from the next request on. `by`: the caller's own role; None is the operator.

    Raises MemberNotFound, RoleAboveYours, LastOwner.
    """
    member = await _held(uow, tenant, user_id, by, also=role)
    if member.role is role:
        return member
    await _refuse_ownerless(uow, tenant, member)
    changed = member.model_copy(update={"role": role})
    await uow.members.put(tenant, changed)
    await close_invitations(uow, tenant, user_id, above=role, now=now)
    uow.events.append(
        MemberRoleChanged(user_id=user_id, role=role.value, previous_role=member.role.value, occurred_at=now),
        tenant=tenant,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=tenant,
            action=CHANGE_MEMBER.name,
            resource=user_id,
            details={"role": role.value, "previousRole": member.role.value},
        )
    )
    return changed


async def remove_member(
    uow: SecurityUnitOfWork, tenant: TenantId, user_id: UserId, *, by: Role | None, now: datetime
) -> Member:
    """End a membership and its sessions, from the next request on; who it was.

    Raises MemberNotFound, RoleAboveYours, LastOwner.
    """
    member = await _held(uow, tenant, user_id, by)
    await _refuse_ownerless(uow, tenant, member)
    await uow.users.hold(user_id)
    await uow.members.remove(tenant, user_id)
    await close_invitations(uow, tenant, user_id, above=None, now=now)
    ended = await uow.sessions.end_all(user_id, tenant=tenant, at=now, reason=EndReason.MEMBERSHIP_ENDED)
    _tell_ended(uow, ended, EndReason.MEMBERSHIP_ENDED, now=now)
    await end_all(uow, tenant, user_id, now=now)
    await revoke_grants_of(uow, user_id, tenant=tenant, reason=RevokeReason.MEMBERSHIP_ENDED, now=now)
    uow.events.append(MemberLeft(user_id=user_id, role=member.role.value, occurred_at=now), tenant=tenant)
    uow.audit.record(AuditEntry(tenant_id=tenant, action=REMOVE_MEMBER.name, resource=user_id))
    return member


async def prove_session(
    uow: SecurityUnitOfWork, session_id: SessionId, factors: tuple[Factor, ...], *, now: datetime
) -> Session:
    """Its holder has just proved who they are, by these factors and no others. Raises SessionNotFound."""
    session = await uow.sessions.get(session_id)
    await uow.sessions.prove(session_id, factors, at=now)
    uow.audit.record(
        AuditEntry(
            tenant_id=session.tenant_id,
            action=STEP_UP.name,
            resource=session_id,
            details={"factors": [factor.value for factor in factors]},
        )
    )
    return session.model_copy(update={"factors": factors, "proved_at": now})


async def end_session(
    uow: SecurityUnitOfWork, tenant: TenantId | None, session_id: SessionId, *, reason: EndReason, now: datetime
) -> Session:
    """End it, from the next request on; doing so again changes nothing. Raises SessionNotFound."""
    session = await uow.sessions.get(session_id)
    if tenant is not None and session.tenant_id != tenant:
        raise SessionNotFound
    if session.ended_at is not None:
        return session
    await uow.sessions.end(session_id, at=now, reason=reason)
    _tell_ended(uow, [session], reason, now=now)
    return session.model_copy(update={"ended_at": now, "end_reason": reason})


async def end_other_sessions(
    uow: SecurityUnitOfWork,
    user_id: UserId,
    *,
    tenant: TenantId | None = None,
    keep: SessionId | None,
    reason: EndReason,
    now: datetime,
) -> list[SessionId]:
    """End a person's sessions, in this tenant or in all, but for one; those that were ended."""
    ended = await uow.sessions.end_all(user_id, tenant=tenant, keep=keep, at=now, reason=reason)
    _tell_ended(uow, ended, reason, now=now)
    return [session.id for session in ended]


def _tell_ended(uow: SecurityUnitOfWork, ended: list[Session], reason: EndReason, *, now: datetime) -> None:
    for session in ended:
        uow.events.append(
            SessionEnded(session_id=session.id, user_id=session.user_id, reason=reason.value, occurred_at=now),
            tenant=session.tenant_id,
        )
        uow.audit.record(
            AuditEntry(
                tenant_id=session.tenant_id,
                action=REVOKE_SESSIONS.name,
                resource=session.id,
                details={"user": session.user_id, "reason": reason.value},
            )
        )


async def _held(
    uow: SecurityUnitOfWork, tenant: TenantId, user_id: UserId, by: Role | None, *, also: Role = Role.VIEWER
) -> Member:
    await uow.members.hold(tenant)
    member = await uow.members.get(tenant, user_id)
    if by is not None and not (by.covers(member.role) and by.covers(also)):
        raise RoleAboveYours
    return member


async def _refuse_ownerless(uow: SecurityUnitOfWork, tenant: TenantId, member: Member) -> None:
    if member.role is Role.OWNER and await uow.members.owners(tenant) == 1:
        raise LastOwner
