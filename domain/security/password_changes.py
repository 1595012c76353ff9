"""New passwords: with the one before, or with a link that was mailed."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.security.commands import NOBODY, Addressee, MailPasswordReset
from domain.security.events import PasswordChanged, PasswordResetRequested
from domain.security.grants import revoke_grants_of
from domain.security.ids import PasswordResetId, SessionId
from domain.security.members import end_other_sessions
from domain.security.oauth import RevokeReason
from domain.security.people import Account, EndReason, PasswordReset, address_key
from domain.security.people_errors import LinkInvalid
from domain.security.permissions import CHANGE_PASSWORD
from domain.security.ports import SecurityUnitOfWork

MOST_LINKS, WITHIN = 5, timedelta(hours=1)


async def request_link(
    uow: SecurityUnitOfWork, email: str, *, reset_id: PasswordResetId, lifetime: timedelta, now: datetime
) -> None:
    """Have a link mailed, if somebody has this address.

    Who was sent so many lately is sent no more for now: nobody's mailbox is to be filled. Requests that nothing is
    mailed for count for nobody, so they keep nobody's mail back.
    """
    account = await uow.users.account(address_key(email))
    wanted = account is not None and bool(account.memberships)
    if account is not None and wanted:
        await uow.users.hold(account.user.id)
        wanted = await uow.password_resets.count(account.user.id, since=now - WITHIN) < MOST_LINKS
    user = account.user.id if account is not None and wanted else None
    await uow.password_resets.put(PasswordReset(id=reset_id, user_id=user, created_at=now, expires_at=now + lifetime))
    if account is None or user is None:
        return
    home = account.memberships[0].tenant_id
    uow.audit.record(AuditEntry(tenant_id=home, action="security.request_password_reset", resource=user))
    uow.events.append(
        PasswordResetRequested(
            tenant_id=home, user_id=user, password_reset_id=reset_id, expires_at=now + lifetime, occurred_at=now
        ),
        tenant=home,
    )


async def open_link(uow: SecurityUnitOfWork, reset_id: PasswordResetId, *, now: datetime) -> Account:
    """Whose password may be set with it. Raises LinkInvalid."""
    reset = await uow.password_resets.find(reset_id)
    if reset is None or reset.user_id is None or reset.used_at is not None or reset.expires_at <= now:
        raise LinkInvalid
    return await uow.users.account_of(reset.user_id)


async def set_by_link(
    uow: SecurityUnitOfWork, reset_id: PasswordResetId, password_hash: str, *, account_hash: str, now: datetime
) -> list[SessionId]:
    """Set it, end every session, forget failed tries, and make every link of theirs useless; the ended sessions.

    Raises LinkInvalid.
    """
    account = await open_link(uow, reset_id, now=now)
    await uow.users.hold(account.user.id)
    await uow.password_resets.use_all(account.user.id, at=now)
    await uow.tries.clear(account_hash)
    return await _set(uow, account, password_hash, keep=None, by_link=True, now=now)


async def change(
    uow: SecurityUnitOfWork, account: Account, password_hash: str, *, keep: SessionId | None, now: datetime
) -> list[SessionId]:
    """Set it, and end every session but this one; the ended sessions. The person is held: see `sign_in.held`."""
    await uow.password_resets.use_all(account.user.id, at=now)
    return await _set(uow, account, password_hash, keep=keep, by_link=False, now=now)


async def _set(
    uow: SecurityUnitOfWork,
    account: Account,
    password_hash: str,
    *,
    keep: SessionId | None,
    by_link: bool,
    now: datetime,
) -> list[SessionId]:
    user = account.user.id
    await uow.users.set_password(user, password_hash, at=now)
    ended = await end_other_sessions(uow, user, keep=keep, reason=EndReason.PASSWORD_CHANGED, now=now)
    await revoke_grants_of(uow, user, reason=RevokeReason.PASSWORD_CHANGED, now=now)
    for membership in account.memberships:
        uow.events.append(PasswordChanged(user_id=user, by_link=by_link, occurred_at=now), tenant=membership.tenant_id)
        uow.audit.record(
            AuditEntry(
                tenant_id=membership.tenant_id,
                action=CHANGE_PASSWORD.name,
                resource=user,
                details={"byLink": by_link},
            )
        )
    return ended


async def addressee(uow: SecurityUnitOfWork, cmd: MailPasswordReset, *, now: datetime) -> Addressee:
    """To whom the link goes."""
    reset = await uow.password_resets.find(cmd.password_reset_id)
    tenant = await uow.tenants.find(cmd.tenant_id)
    if reset is None or tenant is None:
        return NOBODY
    account = await uow.users.account_of(cmd.user_id)
    return Addressee(
        organisation=tenant.organisation,
        name=account.user.name,
        email=account.user.email,
        locale=tenant.locale,
        wanted=reset.used_at is None and reset.expires_at > now,
    )
