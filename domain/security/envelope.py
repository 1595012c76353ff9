"""AES-256-GCM envelopes: a 12-byte nonce, the ciphertext and its 16-byte tag, bound to a context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.security.errors import DataKeyNotFound, Undecipherable
from domain.security.ids import DataKeyId

KEY_BYTES = 32
NONCE_BYTES = 12


def seal(key: bytes, plain: bytes, *, nonce: bytes, context: bytes) -> bytes:
    """Encrypt under a 256-bit key. `nonce`: 12 fresh random bytes; `context` must be repeated to open."""
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, *, context: bytes) -> bytes:
    """Decrypt what `seal` made. Raises Undecipherable for a wrong key or context, or a changed byte."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise Undecipherable from None


KEY_ID_BYTES = len(DataKeyId.prefix) + 27
"""The length of a data key's id, which what it sealed begins with."""


@dataclass(frozen=True, slots=True)
class Cipher:
    """One owner's data keys: seals under the active one, opens what any of them sealed.

    What is sealed is the key's id, and an envelope: it says itself whether it is to be re-encrypted.
    """

    active: str
    keys: Mapping[str, bytes]

    def seal(self, plain: bytes, *, nonce: bytes, context: bytes) -> bytes:
        """Encrypt under the active key. `nonce`: 12 fresh random bytes; `context` must be repeated to open."""
        return self.active.encode() + seal(self.keys[self.active], plain, nonce=nonce, context=context)

    def unseal(self, sealed: bytes, *, context: bytes) -> bytes:
        """Decrypt what `seal` made. Raises DataKeyNotFound for a key of somebody else's, Undecipherable."""
        key_id = key_id_of(sealed)
        key = self.keys.get(key_id)
        if key is None:
            raise DataKeyNotFound(data_key_id=key_id)
        return unseal(key, sealed[KEY_ID_BYTES:], context=context)


def key_id_of(sealed: bytes) -> str:
    """The data key that a Cipher sealed this under. Raises Undecipherable for what none did."""
    try:
        return DataKeyId.parse(sealed[:KEY_ID_BYTES].decode("ascii"))
    except ValueError:
        raise Undecipherable from None
