"""Passkeys (WebAuthn Level 3): a key pair on a person's device, which also sees who uses it.

A passkey alone is two factors, having the device and unlocking it, so whoever signs in with one
needs nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from domain.kernel.ids import UserId
from domain.security.ids import PasskeyChallengeId, PasskeyId
from domain.security.people import Account, Passkey, PasskeyChallenge
from domain.security.people_errors import PasskeyChallengeUnknown, PasskeyRefused, TooManyPasskeys
from domain.security.ports import SecurityUnitOfWork
from domain.security.second_factors import tell

CHALLENGE_BYTES, CHALLENGE_LIFETIME = 32, timedelta(minutes=5)
MOST_PASSKEYS = 20
_MOST_CHARACTERS = 20_000
# What the library lets through of what it cannot make sense of.
_UNREADABLE = (
    WebAuthnException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are for (WebAuthn, section 4): the domain of our pages, and their origin."""

    id: str
    origin: str

    @classmethod
    def at(cls, url: str) -> RelyingParty:
        """Of the pages at this address. Browsers know no passkeys for an IP address; on one machine it is localhost."""
        parts = urlsplit(url)
        host = "localhost" if parts.hostname in ("127.0.0.1", "::1") else (parts.hostname or "")
        port = f":{parts.port}" if parts.port else ""
        return cls(host, f"{parts.scheme}://{host}{port}")

    def creation_options(self, account: Account, known: Sequence[Passkey], challenge: bytes) -> dict[str, Any]:
        """What the browser's `navigator.credentials.create` is given, as JSON."""
        options = generate_registration_options(
            rp_id=self.id,
            rp_name="HarborGrid",
            user_id=account.user.id.encode(),
            user_name=account.user.email,
            user_display_name=account.user.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential_id) for passkey in known],
        )
        told: dict[str, Any] = json.loads(options_to_json(options))
        return told

    def request_options(self, challenge: bytes) -> dict[str, Any]:
        """What `navigator.credentials.get` is given: it names nobody, so it tells nobody who has a passkey."""
        options = generate_authentication_options(
            rp_id=self.id, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        told: dict[str, Any] = json.loads(options_to_json(options))
        return told

    def made(self, credential: Mapping[str, Any], challenge: PasskeyChallenge, **named: Any) -> Passkey:
        """The passkey that a device has made. Raises PasskeyRefused. `named`: its id, person, name and time."""
        try:
            seen = verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge.challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except _UNREADABLE as error:
            raise PasskeyRefused(reason=_said(error)) from None
        return Passkey(
            credential_id=seen.credential_id,
            public_key=seen.credential_public_key,
            sign_count=seen.sign_count,
            synced=seen.credential_backed_up,
            **named,
        )

    def used(self, passkey: Passkey, credential: Mapping[str, Any], challenge: bytes, *, now: datetime) -> Passkey:
        """The passkey after it has signed. Raises PasskeyRefused, also if its count says that there are two of it."""
        try:
            seen = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except _UNREADABLE as error:
            raise PasskeyRefused(reason=_said(error)) from None
        return passkey.model_copy(update={"sign_count": seen.new_sign_count, "last_used_at": now})


async def begin(
    uow: SecurityUnitOfWork, user_id: UserId | None, *, id: PasskeyChallengeId, randomness: bytes, now: datetime
) -> PasskeyChallenge:
    """A challenge for who adds a passkey, or signs in with one."""
    challenge = PasskeyChallenge(
        id=id, user_id=user_id, challenge=randomness, created_at=now, expires_at=now + CHALLENGE_LIFETIME
    )
    await uow.passkeys.add_challenge(challenge)
    return challenge


async def take(
    uow: SecurityUnitOfWork, challenge_id: PasskeyChallengeId, user_id: UserId | None, *, now: datetime
) -> PasskeyChallenge:
    """Use a challenge up. Raises PasskeyChallengeUnknown."""
    challenge = await uow.passkeys.take_challenge(challenge_id)
    if challenge is None or challenge.expires_at <= now or challenge.user_id != user_id:
        raise PasskeyChallengeUnknown
    return challenge


async def add(uow: SecurityUnitOfWork, passkey: Passkey, *, now: datetime) -> None:
    """Keep it: its holder signs in with it from now on. Raises TooManyPasskeys, PasskeyRefused if it is known."""
    account = await uow.users.hold(passkey.user_id)
    if len(await uow.passkeys.of(passkey.user_id)) >= MOST_PASSKEYS:
        raise TooManyPasskeys
    if not await uow.passkeys.add(passkey):
        raise PasskeyRefused(reason="somebody has it already")
    tell(uow, account, "passkey_added", now=now)


async def remove(uow: SecurityUnitOfWork, account: Account, passkey_id: PasskeyId, *, now: datetime) -> None:
    """Nobody signs in with it any more. Raises PasskeyNotFound."""
    await uow.passkeys.remove(account.user.id, passkey_id)
    tell(uow, account, "passkey_removed", now=now)


def credential_id_of(credential: Mapping[str, Any]) -> bytes:
    """Which passkey it says it is. Raises PasskeyRefused."""
    told = credential.get("id")
    if not isinstance(told, str) or len(told) > _MOST_CHARACTERS:
        raise PasskeyRefused(reason="it names no credential")
    try:
        return base64url_to_bytes(told)
    except ValueError:
        raise PasskeyRefused(reason="it names no credential") from None


def _said(error: Exception) -> str:
    return str(error)[:200] if isinstance(error, WebAuthnException) else "it is no answer of an authenticator"
