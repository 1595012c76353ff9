"""Signing in with a password: tries are counted before the password is looked at, and per network.

Who guesses from elsewhere makes their own network wait, not the owner's. When tries come from everywhere at once, only
networks wait from which the person has not signed in before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry, Outcome
from domain.kernel.errors import Unauthenticated
from domain.kernel.ids import TenantId, UserId
from domain.security.events import Factor, LoginFailure, LoginRefusal, LoginSuccess
from domain.security.ids import SessionId
from domain.security.people import Account, Membership, Session
from domain.security.people_errors import (
    CodeWrong,
    NotAMember,
    SecondFactorRequired,
    SeveralTenants,
    SignInRefused,
    TooManyTries,
)
from domain.security.ports import SecurityUnitOfWork
from domain.security.second_factors import FactorKeys, is_demanded, prove
from domain.security.sign_in_tries import LONGEST_WAIT, Tries
from domain.security.threat_errors import NetworkBanned
from domain.security.tokens import SESSION

TRIES_FROM_EVERYWHERE, EVERYWHERE_WITHIN = 100, timedelta(hours=1)
KNOWN_NETWORK_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Someone wants to sign in. account: the keyed hash of the address as typed; email: its comparable form."""

    account: str
    email: str
    network: str
    country: str | None
    user_agent: str


@dataclass(frozen=True, slots=True)
class Proved:
    """Who signs in to which tenant, and by what they proved it."""

    account: Account
    membership: Membership
    factors: tuple[Factor, ...]


async def begin(uow: SecurityUnitOfWork, attempt: Attempt, *, now: datetime) -> tuple[Account | None, Tries]:
    """Count the try; whose account it is, if there is one. Raises TooManyTries, with how long to wait.

    A try that turns out right is taken back; one whose process dies stays counted.
    """
    await uow.tries.hold(attempt.account)
    before = await uow.tries.find(attempt.account, attempt.network)
    if before is not None and before.make_wait(now):
        raise TooManyTries(retry_after_seconds=_seconds(before.retry_at - now))
    account = await uow.users.account(attempt.email)
    known = account is not None and await _is_known(uow, account, attempt, now=now)
    if not known:
        await _refuse_if_banned(uow, attempt, account, now=now)
    from_everywhere = await uow.tries.count(attempt.account, since=now - EVERYWHERE_WITHIN)
    if from_everywhere >= TRIES_FROM_EVERYWHERE and not known:
        raise TooManyTries(retry_after_seconds=_seconds(LONGEST_WAIT))
    counted = before.next(now) if before else Tries(1, now, now)
    await uow.tries.put(attempt.account, attempt.network, counted)
    return account, counted


async def _is_known(uow: SecurityUnitOfWork, account: Account, attempt: Attempt, *, now: datetime) -> bool:
    """Whether this person has signed in from there of late."""
    return await uow.sessions.were_from(account.user.id, attempt.network, since=now - KNOWN_NETWORK_FOR)


async def _refuse_if_banned(
    uow: SecurityUnitOfWork, attempt: Attempt, account: Account | None, *, now: datetime
) -> None:
    """Raises NetworkBanned."""
    tenants = [each.tenant_id for each in account.memberships] if account else []
    until = await uow.bans.until(attempt.network, tenants, now=now)
    if until is not None:
        raise NetworkBanned(until=until.isoformat())


async def refuse(
    uow: SecurityUnitOfWork,
    attempt: Attempt,
    account: Account | None,
    tries: Tries,
    *,
    refusal: LoginRefusal,
    now: datetime,
) -> None:
    """Tell everyone whom it concerns that a sign-in failed: each tenant of the account, or the platform."""
    waits = tries.make_wait(now)
    tenants: list[TenantId | None] = [each.tenant_id for each in account.memberships] if account else []
    for tenant in tenants or [None]:
        uow.events.append(
            LoginFailure(
                account_hash=attempt.account,
                user_id=account.user.id if account else None,
                refusal=refusal,
                failures_in_a_row=tries.failures,
                client_network=attempt.network,
                country=attempt.country,
                locked_until=tries.retry_at if waits else None,
                occurred_at=now,
            ),
            tenant=tenant,
        )
        uow.audit.record(
            AuditEntry(
                tenant_id=tenant,
                action="security.sign_in",
                resource=account.user.id if account else f"account/{attempt.account}",
                outcome=Outcome.DENIED,
                details={"refusal": refusal.value, "network": attempt.network, "failures": tries.failures},
            )
        )


def membership_in(account: Account, asked: TenantId | None) -> Membership:
    """The tenant to sign in to. Raises NotAMember, or SeveralTenants if one has to be named."""
    if asked is not None:
        found = next((each for each in account.memberships if each.tenant_id == asked), None)
        if found is None:
            raise NotAMember(tenants=_named(account))
        return found
    if len(account.memberships) != 1:
        raise SeveralTenants(tenants=_named(account)) if account.memberships else NotAMember(tenants=[])
    return account.memberships[0]


def _named(account: Account) -> list[dict[str, str]]:
    return [{"id": each.tenant_id, "organisation": each.organisation} for each in account.memberships]


async def held(uow: SecurityUnitOfWork, proved: Account) -> Account:
    """The account as it is now, locked, if its password is still the one that was proved. Raises SignInRefused.

    Looking at a password takes long, and happens outside any transaction: in the meantime it may have been changed.
    """
    account = await uow.users.hold(proved.user.id)
    if account.password_changed_at != proved.password_changed_at:
        raise SignInRefused
    return account


async def still_in(uow: SecurityUnitOfWork, user_id: UserId, session_id: SessionId | None, *, now: datetime) -> Account:
    """The account, held, if the session that asks has not ended since it was looked at. Raises Unauthenticated.

    For what a person lets last longer than the session: a new password must not be overtaken by it.
    """
    account = await uow.users.hold(user_id)
    session = await uow.sessions.get(session_id) if session_id is not None else None
    if session is None or session.ended_at is not None or session.expires_at <= now:
        raise Unauthenticated("the session has ended")
    return account


async def second_factor(
    uow: SecurityUnitOfWork, keys: FactorKeys, account: Account, code: str | None, *, now: datetime
) -> tuple[Factor, ...]:
    """What is proved besides the password: nothing, if nothing is demanded. Raises SecondFactorRequired, CodeWrong.

    A code that is proved is used up with the transaction, and only with it.
    """
    if not await is_demanded(uow, account):
        return ()
    if code is None:
        raise SecondFactorRequired
    factor = await prove(uow, keys, account, code, now=now)
    if factor is None:
        raise CodeWrong
    return (factor,)


async def open_session(
    uow: SecurityUnitOfWork,
    attempt: Attempt,
    proved: Proved,
    *,
    session_id: SessionId,
    lifetime: timedelta,
    randomness: bytes,
    now: datetime,
) -> tuple[Session, str]:
    """The session and its token, which is shown this once. The failed tries from this network are forgotten."""
    user, membership, factors = proved.account.user.id, proved.membership, proved.factors
    is_new = not await _is_known(uow, proved.account, attempt, now=now)
    if is_new:
        await _refuse_if_banned(uow, attempt, proved.account, now=now)
    await uow.tries.clear(attempt.account, attempt.network)
    token, secret_hash = SESSION.mint(session_id, randomness)
    session = Session(
        id=session_id,
        user_id=user,
        tenant_id=membership.tenant_id,
        factors=factors,
        client_network=attempt.network,
        user_agent=attempt.user_agent,
        created_at=now,
        last_seen_at=now,
        expires_at=now + lifetime,
        proved_at=now,
    )
    await uow.sessions.add(session, secret_hash)
    uow.events.append(
        LoginSuccess(
            user_id=user,
            session_id=session_id,
            factors=factors,
            client_network=attempt.network,
            country=attempt.country,
            is_new_device=is_new,
            occurred_at=now,
        ),
        tenant=membership.tenant_id,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=membership.tenant_id,
            action="security.sign_in",
            resource=user,
            details={"session": session_id, "network": attempt.network, "factors": [each.value for each in factors]},
        )
    )
    return session, token


def _seconds(wait: timedelta) -> int:
    return int(wait.total_seconds()) + 1
