"""The keys that our tokens are signed with: known to everybody before they sign, and until their last token ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.security.ids import SigningKeyId
from domain.security.jose import CLOCK_SKEW
from domain.security.oauth import ACCESS_TOKEN_LIFETIME, SigningKey
from domain.security.oauth_errors import SigningKeyNotFound
from domain.security.oauth_events import SigningKeyRotated
from domain.security.permissions import REVOKE_SIGNING_KEY, ROTATE_SIGNING_KEY
from domain.security.ports import SecurityUnitOfWork

JWKS_MAX_AGE = timedelta(minutes=5)
"""How long others may keep the JWK set before they look again."""
PUBLISHED_AHEAD = JWKS_MAX_AGE * 2
ROTATED_AFTER = timedelta(days=30)


def signer(known: list[SigningKey], algorithm: str, now: datetime) -> SigningKey | None:
    """The one that signs at this instant."""
    able = [key for key in known if key.algorithm == algorithm and key.is_known(now) and key.signs_from <= now]
    return max(able, key=lambda key: key.signs_from, default=None)


async def introduce(uow: SecurityUnitOfWork, fresh: SigningKey, *, now: datetime) -> SigningKey:
    """Let this key sign, at once if nobody else can, or else once everybody has had the time to hear of it.

    Those before it leave when the last token they can have signed has ended. If another is already on its way, that
    one is the answer, and this one is not kept.
    """
    await uow.signing_keys.hold()
    before = [key for key in await uow.signing_keys.known(now=now) if key.algorithm == fresh.algorithm]
    coming = next((key for key in before if key.signs_from > now), None)
    if coming is not None:
        return coming
    starts = now + PUBLISHED_AHEAD if signer(before, fresh.algorithm, now) is not None else now
    made = fresh.model_copy(update={"created_at": now, "signs_from": starts})
    for key in before:
        ends = starts + ACCESS_TOKEN_LIFETIME + CLOCK_SKEW
        await uow.signing_keys.put(key.model_copy(update={"expires_at": min(ends, key.expires_at or ends)}))
    await uow.signing_keys.put(made)
    _tell(uow, made.id, made.algorithm, starts, now=now)
    return made


async def revoke(
    uow: SecurityUnitOfWork, key_id: SigningKeyId, fresh: SigningKey, *, reason: str, now: datetime
) -> SigningKey:
    """Believe nothing more that this key signed, from the next request on; another signs at once.

    `fresh`: a key of the same algorithm, for the case that none is left. Raises SigningKeyNotFound.
    """
    await uow.signing_keys.hold()
    key = await uow.signing_keys.get(key_id)
    if not key.is_known(now):
        raise SigningKeyNotFound
    revoked = key.model_copy(update={"revoked_at": now})
    await uow.signing_keys.put(revoked)
    uow.audit.record(
        AuditEntry(tenant_id=None, action=REVOKE_SIGNING_KEY.name, resource=key_id, details={"reason": reason})
    )
    left = [each for each in await uow.signing_keys.known(now=now) if each.algorithm == key.algorithm]
    coming = next((each for each in left if each.signs_from > now), None)
    newest = max((each for each in left if each.signs_from <= now), key=lambda each: each.signs_from, default=None)
    if key.signs_from > now and newest is not None:
        # It never signed: the one that it was to take over from goes on.
        await uow.signing_keys.put(newest.model_copy(update={"expires_at": None}))
    elif coming is not None:
        await uow.signing_keys.put(coming.model_copy(update={"signs_from": now}))
    elif newest is None or newest.expires_at is not None:
        # Never back to one that has been taken over from: its end is set.
        await uow.signing_keys.put(fresh.model_copy(update={"created_at": now, "signs_from": now}))
        _tell(uow, fresh.id, fresh.algorithm, now, now=now)
    return revoked


def _tell(
    uow: SecurityUnitOfWork, key_id: SigningKeyId, algorithm: str, signs_from: datetime, *, now: datetime
) -> None:
    uow.events.append(
        SigningKeyRotated(signing_key_id=key_id, algorithm=algorithm, signs_from=signs_from, occurred_at=now),
        tenant=None,
    )
    uow.audit.record(AuditEntry(tenant_id=None, action=ROTATE_SIGNING_KEY.name, resource=key_id))


def is_due(known: list[SigningKey], algorithm: str, now: datetime) -> bool:
    """Whether it is time for the next key; where nobody has signed yet, there is nothing to rotate."""
    newest = max((key.signs_from for key in known if key.algorithm == algorithm), default=None)
    return newest is not None and newest + ROTATED_AFTER <= now
