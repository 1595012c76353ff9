"""Secrets that are handed out once: `<prefix><id's characters>_<secret>`, of which only the secret's SHA-256 is stored.

The secret has 256 random bits, so a fast hash is enough: there is nothing to guess or to look up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.kernel.ids import Id
from domain.security.ids import (
    ApiKeyId,
    AuthorizationCodeId,
    ClientSecretId,
    DeviceAuthorizationId,
    ProviderSignInId,
    RefreshTokenId,
    SessionId,
)

SECRET_BYTES = 32
IdT = TypeVar("IdT", bound=Id)


@dataclass(frozen=True, slots=True)
class TokenFormat(Generic[IdT]):
    """How one kind of token looks."""

    prefix: str
    kind: type[IdT]

    def mint(self, id_: IdT, randomness: bytes) -> tuple[str, bytes]:
        """The token to hand out and the 32-byte hash to keep. `randomness`: SECRET_BYTES fresh random bytes."""
        if len(randomness) != SECRET_BYTES:
            raise ValueError(f"a token needs {SECRET_BYTES} random bytes")
        secret = base64.urlsafe_b64encode(randomness).rstrip(b"=").decode()
        return f"{self.prefix}{id_.rpartition('_')[2]}_{secret}", hash_secret(secret)

    def read(self, presented: str) -> tuple[IdT, bytes] | None:
        """The id and the secret's hash of a presented token, or None if it does not look like one."""
        suffix, separator, secret = presented.removeprefix(self.prefix).partition("_")
        if not (presented.startswith(self.prefix) and separator and secret):
            return None
        try:
            return self.kind.parse(f"{self.kind.prefix}_{suffix}"), hash_secret(secret)
        except ValueError:
            return None


API_KEY = TokenFormat("hgk_", ApiKeyId)
SESSION = TokenFormat("hgs_", SessionId)
CLIENT_SECRET = TokenFormat("hgx_", ClientSecretId)
AUTHORIZATION_CODE = TokenFormat("hgc_", AuthorizationCodeId)
REFRESH_TOKEN = TokenFormat("hgr_", RefreshTokenId)
PROVIDER_SIGN_IN = TokenFormat("hgf_", ProviderSignInId)
DEVICE_CODE = TokenFormat("hgd_", DeviceAuthorizationId)


def hash_secret(secret: str) -> bytes:
    """SHA-256 of the secret's characters, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def same(presented_hash: bytes, stored_hash: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(presented_hash, stored_hash)
