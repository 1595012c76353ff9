"""AES-256-GCM envelopes: a 12-byte nonce, the ciphertext and its 16-byte tag, bound to a context."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.security.errors import Undecipherable

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
