"""What our tokens say: access tokens (RFC 9068) and ID tokens (OpenID Connect Core 1.0)."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from domain.security.events import SECOND_FACTORS, Factor
from domain.security.ids import AccessTokenId
from domain.security.oauth import ACCESS_TOKEN_LIFETIME, Application, Grant

ACCESS_TOKEN = "at+jwt"  # noqa: S105 - a media type
ID_TOKEN = "JWT"  # noqa: S105
ACCESS_TOKEN_ALGORITHM = "EdDSA"  # noqa: S105
_METHODS = {
    Factor.PASSWORD: "pwd",
    Factor.TOTP: "otp",
    Factor.RECOVERY_CODE: "otp",
    Factor.PASSKEY: "hwk",
    Factor.IDENTITY_PROVIDER: "fed",
}


def access_claims(
    grant: Grant, scopes: tuple[str, ...], *, issuer: str, token_id: AccessTokenId, now: datetime
) -> dict[str, Any]:
    """Of an access token for our own API. It ends with its grant, whatever it says."""
    ends = min(now + ACCESS_TOKEN_LIFETIME, grant.expires_at)
    return {
        "iss": issuer,
        "aud": issuer,
        "sub": grant.user_id or grant.service_account_id,
        "client_id": grant.client_id,
        "scope": " ".join(scopes),
        "iat": _seconds(now),
        "nbf": _seconds(now),
        "exp": _seconds(ends),
        "jti": token_id,
        "tenant_id": grant.tenant_id,
        "grant_id": grant.id,
        **_proof(grant),
    }


def id_claims(
    grant: Grant, client: Application, access_token: str, *, issuer: str, algorithm: str, now: datetime
) -> dict[str, Any]:
    """Of an ID token: that this person has signed in, for this application."""
    nonce = {"nonce": grant.nonce} if grant.nonce else {}
    return {
        "iss": issuer,
        "aud": client.id,
        "sub": grant.user_id,
        "iat": _seconds(now),
        "exp": _seconds(now + ACCESS_TOKEN_LIFETIME),
        "at_hash": half_hash(access_token, algorithm),
        **nonce,
        **_proof(grant),
    }


def half_hash(token: str, algorithm: str) -> str:
    """`at_hash`: the left half of the hash that goes with the algorithm (Ed25519 hashes with SHA-512)."""
    digest = hashlib.new("sha512" if algorithm == "EdDSA" else "sha256", token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _proof(grant: Grant) -> dict[str, Any]:
    if grant.proved_at is None:
        return {}
    methods = sorted({_METHODS[factor] for factor in grant.factors})
    # RFC 8176: `mfa` if more than one factor was proved.
    several = ["mfa"] if not SECOND_FACTORS.isdisjoint(grant.factors) else []
    return {"auth_time": _seconds(grant.proved_at), "amr": [*methods, *several]}


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
