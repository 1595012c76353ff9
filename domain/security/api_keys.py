"""API keys: `hgk_<key id>_<secret>`, of which only the secret's SHA-256 is stored.

The secret has 256 random bits, so a fast hash is enough: there is nothing to guess or to look up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from domain.security.ids import ApiKeyId

SECRET_BYTES = 32
_PREFIX = "hgk_"


def mint(key_id: ApiKeyId, randomness: bytes) -> tuple[str, bytes]:
    """The key to hand out and the 32-byte hash to keep. `randomness`: SECRET_BYTES fresh random bytes."""
    if len(randomness) != SECRET_BYTES:
        raise ValueError(f"an API key needs {SECRET_BYTES} random bytes")
    secret = base64.urlsafe_b64encode(randomness).rstrip(b"=").decode()
    return f"{_PREFIX}{key_id.rpartition('_')[2]}_{secret}", hash_secret(secret)


def read(presented: str) -> tuple[ApiKeyId, bytes] | None:
    """The key id and the secret's hash of a presented key, or None if it does not look like one."""
    suffix, separator, secret = presented.removeprefix(_PREFIX).partition("_")
    if not (presented.startswith(_PREFIX) and separator and secret):
        return None
    try:
        return ApiKeyId.parse(f"{ApiKeyId.prefix}_{suffix}"), hash_secret(secret)
    except ValueError:
        return None


def hash_secret(secret: str) -> bytes:
    """SHA-256 of the secret's characters, 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def same(presented_hash: bytes, stored_hash: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(presented_hash, stored_hash)
