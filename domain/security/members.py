"""What can be done with a tenant's people and their sessions."""

from __future__ import annotations

from datetime import datetime

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId, UserId
from domain.security.errors import LastOwner, OwnersOnly, SessionNotFound
from domain.security.events import Factor, MemberJoined, MemberLeft, MemberRoleChanged, SessionEnded
from domain.security.ids import SessionId
from domain.security.people import EndReason, Member, Role, Session, User
from domain.security.permissions import CHANGE_MEMBER, REMOVE_MEMBER, REVOKE_SESSIONS, STEP_UP
from domain.security.ports import SecurityUnitOfWork


async def admit(uow: SecurityUnitOfWork, tenant: TenantId, person: User, role: Role, *, now: datetime) -> UserId:
    """Make a person a member; the id of whoever has this address already, or of the new person.

    A member stays what they are. (Who owns a new tenant is told with its being provisioned.)
    """
    user_id = await uow.users.add_missing(person)
    if await uow.members.add_missing(tenant, user_id, role, at=now):
        uow.events.append(MemberJoined(user_id=user_id, role=role.value, occurred_at=now), tenant=tenant)
    return user_id


async def change_role(
    uow: SecurityUnitOfWork, tenant: TenantId, user_id: UserId, role: Role, *, by: Role | None, now: datetime
) -> Member:
    """Let a member be something else, from the next request on. `by`: the caller's own role; None is the operator.

    Raises MemberNotFound, OwnersOnly, LastOwner.
    """
    member = await _held(uow, tenant, user_id, by, also=role)
    if member.role is role:
        return member
    await _refuse_ownerless(uow, tenant, member)
    changed = member.model_copy(update={"role": role})
    await uow.members.put(tenant, changed)
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

    Raises MemberNotFound, OwnersOnly, LastOwner.
    """
    member = await _held(uow, tenant, user_id, by)
    await _refuse_ownerless(uow, tenant, member)
    await uow.members.remove(tenant, user_id)
    ended = await uow.sessions.end_all(user_id, tenant=tenant, at=now, reason=EndReason.MEMBERSHIP_ENDED)
    _tell_ended(uow, ended, EndReason.MEMBERSHIP_ENDED, now=now)
    uow.events.append(MemberLeft(user_id=user_id, role=member.role.value, occurred_at=now), tenant=tenant)
    uow.audit.record(AuditEntry(tenant_id=tenant, action=REMOVE_MEMBER.name, resource=user_id))
    return member


async def prove_session(
    uow: SecurityUnitOfWork, session_id: SessionId, factors: tuple[Factor, ...], *, now: datetime
) -> Session:
    """Its holder has just proved who they are, by these factors. Raises SessionNotFound."""
    session = await uow.sessions.get(session_id)
    every = tuple(dict.fromkeys((*session.factors, *factors)))
    await uow.sessions.prove(session_id, every, at=now)
    uow.audit.record(
        AuditEntry(
            tenant_id=session.tenant_id,
            action=STEP_UP.name,
            resource=session_id,
            details={"factors": [factor.value for factor in factors]},
        )
    )
    return session.model_copy(update={"factors": every, "proved_at": now})


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
    uow: SecurityUnitOfWork, user_id: UserId, *, keep: SessionId | None, reason: EndReason, now: datetime
) -> list[SessionId]:
    """End a person's sessions in all tenants but this one; those that were ended."""
    ended = await uow.sessions.end_all(user_id, keep=keep, at=now, reason=reason)
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
    uow: SecurityUnitOfWork, tenant: TenantId, user_id: UserId, by: Role | None, *, also: Role | None = None
) -> Member:
    await uow.members.hold(tenant)
    member = await uow.members.get(tenant, user_id)
    if Role.OWNER in (member.role, also) and member.role is not also and by not in (Role.OWNER, None):
        raise OwnersOnly
    return member


async def _refuse_ownerless(uow: SecurityUnitOfWork, tenant: TenantId, member: Member) -> None:
    if member.role is Role.OWNER and await uow.members.owners(tenant) == 1:
        raise LastOwner
