"""Invitations into a tenant: a link by mail, for a limited time, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId, UserId
from domain.security.commands import NOBODY, Addressee, FollowInvitation
from domain.security.errors import RoleAboveYours
from domain.security.events import InvitationClosed as InvitationClosedEvent
from domain.security.events import InvitationCreated, MemberJoined
from domain.security.ids import InvitationId
from domain.security.people import Account, Invitation, InvitationStatus, Role, User, address_key
from domain.security.people_errors import (
    AlreadyAMember,
    AlreadyInvited,
    InvitationClosed,
    LinkInvalid,
    PasswordRequired,
)
from domain.security.permissions import INVITE, REVOKE_INVITATION
from domain.security.ports import SecurityUnitOfWork


@dataclass(frozen=True, slots=True)
class Inviter:
    """Who asks in, and to where: id of a user or key, and its own role; None is the operator."""

    tenant: TenantId
    id: str
    role: Role | None


async def admit(uow: SecurityUnitOfWork, tenant: TenantId, person: User, role: Role, *, now: datetime) -> UserId:
    """Make a person a member; the id of whoever has this address already, or of the new person.

    A member stays what they are. (Who owns a new tenant is told with its being provisioned.)
    """
    user_id = await uow.users.add_missing(person)
    if await uow.members.add_missing(tenant, user_id, role, at=now):
        uow.events.append(MemberJoined(user_id=user_id, role=role.value, occurred_at=now), tenant=tenant)
    return user_id


async def invite(
    uow: SecurityUnitOfWork,
    by: Inviter,
    *,
    invitation_id: InvitationId,
    email: str,
    role: Role,
    lifetime: timedelta,
    now: datetime,
) -> Invitation:
    """Ask somebody in.

    Raises RoleAboveYours, AlreadyAMember, AlreadyInvited.
    """
    if by.role is not None and not by.role.covers(role):
        raise RoleAboveYours
    tenant = by.tenant
    await uow.members.hold(tenant)
    account = await uow.users.account(address_key(email))
    if account is not None and any(each.tenant_id == tenant for each in account.memberships):
        raise AlreadyAMember(user_id=account.user.id)
    there = await uow.invitations.open_for(tenant, address_key(email), now=now)
    if there is not None:
        raise AlreadyInvited(invitation_id=there.id)
    invitation = Invitation(
        id=invitation_id,
        tenant_id=tenant,
        email=email,
        role=role,
        status=InvitationStatus.OPEN,
        invited_by=by.id,
        created_at=now,
        expires_at=now + lifetime,
    )
    await uow.invitations.put(invitation)
    uow.events.append(
        InvitationCreated(
            tenant_id=tenant,
            invitation_id=invitation_id,
            role=role.value,
            expires_at=invitation.expires_at,
            occurred_at=now,
        ),
        tenant=tenant,
    )
    uow.audit.record(
        AuditEntry(tenant_id=tenant, action=INVITE.name, resource=invitation_id, details={"role": role.value})
    )
    return invitation


async def opened(
    uow: SecurityUnitOfWork, invitation_id: InvitationId, *, now: datetime
) -> tuple[Invitation, Account | None]:
    """An open invitation, and the account of whom it is for. Raises LinkInvalid."""
    invitation = await uow.invitations.find(None, invitation_id)
    if invitation is None or invitation.at(now).status is not InvitationStatus.OPEN:
        raise LinkInvalid
    return invitation, await uow.users.account(address_key(invitation.email))


async def accept(
    uow: SecurityUnitOfWork,
    invitation_id: InvitationId,
    *,
    user_id: UserId,
    name: str,
    password_hash: str | None,
    now: datetime,
) -> UserId:
    """Let whoever holds the link in; the id they have. The link proves the address.

    Who has an account keeps it, with its name and password. Raises LinkInvalid; PasswordRequired if there is none yet.
    """
    invitation, account = await opened(uow, invitation_id, now=now)
    if password_hash is None and (account is None or account.password_hash is None):
        raise PasswordRequired
    person = User(id=user_id, name=name, email=invitation.email, created_at=now)
    member = await admit(uow, invitation.tenant_id, person, invitation.role, now=now)
    if password_hash is not None and (account is None or account.password_hash is None):
        await uow.users.set_password(member, password_hash, at=now)
    await _close(uow, invitation, InvitationStatus.ACCEPTED, now=now)
    uow.audit.record(
        AuditEntry(
            tenant_id=invitation.tenant_id,
            action="security.accept_invitation",
            resource=invitation_id,
            details={"user": member, "role": invitation.role.value},
        )
    )
    return member


async def revoke(
    uow: SecurityUnitOfWork, tenant: TenantId | None, invitation_id: InvitationId, *, now: datetime
) -> Invitation:
    """Make the link useless. Raises InvitationNotFound, InvitationClosed if it is not open."""
    invitation = await uow.invitations.get(tenant, invitation_id)
    if invitation.at(now).status is not InvitationStatus.OPEN:
        raise InvitationClosed(status=invitation.at(now).status.value)
    revoked = await _close(uow, invitation, InvitationStatus.REVOKED, now=now)
    uow.audit.record(AuditEntry(tenant_id=invitation.tenant_id, action=REVOKE_INVITATION.name, resource=invitation_id))
    return revoked


async def close_invitations(
    uow: SecurityUnitOfWork, tenant: TenantId, inviter: UserId, *, above: Role | None, now: datetime
) -> None:
    """Make links useless that somebody sent who could not send them any more: those above a role, or all."""
    for invitation in await uow.invitations.open_by(tenant, inviter):
        if above is None or not above.covers(invitation.role):
            await _close(uow, invitation, InvitationStatus.REVOKED, now=now)
            uow.audit.record(AuditEntry(tenant_id=tenant, action=REVOKE_INVITATION.name, resource=invitation.id))


async def expire(uow: SecurityUnitOfWork, invitation_id: InvitationId, *, now: datetime) -> None:
    """Close it if its time is over and nobody has; for the workflow that waited."""
    invitation = await uow.invitations.find(None, invitation_id)
    if invitation is None or invitation.status is not InvitationStatus.OPEN or invitation.expires_at > now:
        return
    await _close(uow, invitation, InvitationStatus.EXPIRED, now=now)
    uow.audit.record(
        AuditEntry(tenant_id=invitation.tenant_id, action="security.expire_invitation", resource=invitation_id)
    )


async def _close(
    uow: SecurityUnitOfWork, invitation: Invitation, status: InvitationStatus, *, now: datetime
) -> Invitation:
    closed = invitation.model_copy(update={"status": status, "closed_at": now})
    await uow.invitations.put(closed)
    uow.events.append(
        InvitationClosedEvent(
            tenant_id=invitation.tenant_id, invitation_id=invitation.id, outcome=status.value, occurred_at=now
        ),
        tenant=invitation.tenant_id,
    )
    return closed


async def addressee(uow: SecurityUnitOfWork, cmd: FollowInvitation, *, now: datetime) -> Addressee:
    """To whom the invitation goes."""
    invitation = await uow.invitations.find(cmd.tenant_id, cmd.invitation_id)
    tenant = await uow.tenants.find(cmd.tenant_id)
    if invitation is None or tenant is None:
        return NOBODY
    return Addressee(
        organisation=tenant.organisation,
        name="",
        email=invitation.email,
        locale=tenant.locale,
        wanted=invitation.at(now).status is InvitationStatus.OPEN,
    )
