"""Second factors: an authenticator app, and recovery codes for the day the phone is lost."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.envelope import Cipher
from domain.security.events import Factor, SecondFactorChanged
from domain.security.ids import SessionId
from domain.security.members import end_other_sessions
from domain.security.people import Account, EndReason, Totp
from domain.security.people_errors import CodeWrong, SecondFactorExists, SecondFactorMissing
from domain.security.permissions import MANAGE_SECOND_FACTOR
from domain.security.ports import SecurityUnitOfWork
from domain.security.totp import matching_step

CODES, CODE_BYTES = 10, 8
CONFIRMED_WITHIN = timedelta(minutes=15)
_CODE_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class FactorKeys:
    """`sealing` is for secrets that have to be read again, `hashing`, 32 bytes, for codes that have not."""

    sealing: Cipher
    hashing: bytes

    def code_hash(self, user: str, code: str) -> bytes:
        """What is kept of a recovery code; however it is written."""
        return hmac.digest(self.hashing, f"{user}/{_plain(code)}".encode(), "sha256")


async def begin(
    uow: SecurityUnitOfWork, keys: FactorKeys, account: Account, *, secret: bytes, nonce: bytes, now: datetime
) -> None:
    """Keep a fresh secret; it counts once a code of it has been shown. Raises SecondFactorExists."""
    user = account.user.id
    there = await uow.second_factors.totp(user)
    if there is not None and there.confirmed_at is not None:
        raise SecondFactorExists
    sealed = keys.sealing.seal(secret, nonce=nonce, context=user.encode())
    await uow.second_factors.put_totp(Totp(user_id=user, sealed=sealed, created_at=now))


async def confirm(
    uow: SecurityUnitOfWork, keys: FactorKeys, account: Account, code: str, *, randomness: bytes, now: datetime
) -> list[str]:
    """Demand the second factor from now on; the recovery codes, shown this once.

    Raises SecondFactorMissing if none was begun, SecondFactorExists, CodeWrong.
    """
    user = account.user.id
    there = await uow.second_factors.totp(user)
    if there is not None and there.confirmed_at is not None:
        raise SecondFactorExists
    if there is None or now - there.created_at > CONFIRMED_WITHIN:
        raise SecondFactorMissing
    step = matching_step(_secret(keys, there), _plain(code), now, after=there.last_step)
    if step is None:
        raise CodeWrong
    await uow.second_factors.put_totp(there.model_copy(update={"confirmed_at": now, "last_step": step}))
    codes = await _replace_codes(uow, keys, account, randomness)
    tell(uow, account, "enabled", now=now)
    return codes


async def renew_codes(
    uow: SecurityUnitOfWork, keys: FactorKeys, account: Account, *, randomness: bytes, now: datetime
) -> list[str]:
    """New recovery codes in place of all before. Raises SecondFactorMissing."""
    if not await is_demanded(uow, account):
        raise SecondFactorMissing
    codes = await _replace_codes(uow, keys, account, randomness)
    tell(uow, account, "codes_renewed", now=now)
    return codes


async def remove(
    uow: SecurityUnitOfWork, account: Account, *, keep: SessionId | None, now: datetime
) -> list[SessionId]:
    """Demand it no more, and end every session but this one, which counts as opened with a password; the ended ones.

    Raises SecondFactorMissing.
    """
    user = account.user.id
    if await uow.second_factors.totp(user) is None:
        raise SecondFactorMissing
    await uow.second_factors.remove(user)
    tell(uow, account, "disabled", now=now)
    if keep is not None:
        await uow.sessions.prove(keep, (Factor.PASSWORD,), at=now)
    return await end_other_sessions(uow, user, keep=keep, reason=EndReason.SECOND_FACTOR_REMOVED, now=now)


async def is_demanded(uow: SecurityUnitOfWork, account: Account) -> bool:
    """Whether this person signs in with a second factor."""
    there = await uow.second_factors.totp(account.user.id)
    return there is not None and there.confirmed_at is not None


async def prove(
    uow: SecurityUnitOfWork, keys: FactorKeys, account: Account, code: str, *, now: datetime
) -> Factor | None:
    """Which factor this code proves, if any; a code works once. Concurrent uses of one code: one of them counts."""
    user = account.user.id
    there = await uow.second_factors.totp(user)
    if there is None or there.confirmed_at is None:
        return None
    step = matching_step(_secret(keys, there), _plain(code), now, after=there.last_step)
    if step is not None:
        await uow.second_factors.put_totp(there.model_copy(update={"last_step": step}))
        return Factor.TOTP
    if await uow.second_factors.use_code(user, keys.code_hash(user, code), at=now):
        return Factor.RECOVERY_CODE
    return None


async def _replace_codes(uow: SecurityUnitOfWork, keys: FactorKeys, account: Account, randomness: bytes) -> list[str]:
    """`randomness`: CODES * CODE_BYTES fresh random bytes."""
    parts = [randomness[place : place + CODE_BYTES] for place in range(0, CODES * CODE_BYTES, CODE_BYTES)]
    codes = [base64.b32encode(part).decode()[:_CODE_CHARACTERS] for part in parts]
    user = account.user.id
    await uow.second_factors.replace_codes(user, [keys.code_hash(user, code) for code in codes])
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _plain(code: str) -> str:
    """However it is written."""
    return code.replace("-", "").replace(" ", "").upper()


def _secret(keys: FactorKeys, totp: Totp) -> bytes:
    return keys.sealing.unseal(totp.sealed, context=totp.user_id.encode())


def tell(uow: SecurityUnitOfWork, account: Account, change: str, *, now: datetime) -> None:
    """Tell every tenant of the person how they sign in from now on."""
    user = account.user.id
    tenants: list[TenantId | None] = [membership.tenant_id for membership in account.memberships]
    for tenant in tenants or [None]:
        uow.events.append(SecondFactorChanged(user_id=user, change=change, occurred_at=now), tenant=tenant)
        uow.audit.record(
            AuditEntry(tenant_id=tenant, action=MANAGE_SECOND_FACTOR.name, resource=user, details={"change": change})
        )
