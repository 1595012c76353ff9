"""Single fields, encrypted: what other modules and callers keep of a card, a diagnosis or a passport.

A ciphertext is text, `hgf1.` and base64url, and is bound to its tenant and purpose: moved to another column or another
tenant, it does not open. A blind index finds equal values without opening any.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass

from domain.kernel.ids import TenantId
from domain.security.envelope import Cipher, key_id_of
from domain.security.errors import Undecipherable

_PREFIX = "hgf1."
_INDEX_BYTES = 16


@dataclass(frozen=True, slots=True)
class Fields:
    """One tenant's. secret: 32 bytes that blind indexes are derived from; it outlives the data keys."""

    tenant: TenantId
    cipher: Cipher
    secret: bytes

    def encrypt(self, plain: str, purpose: str, *, nonce: bytes) -> str:
        """Under the active key, for this purpose only. `nonce`: 12 fresh random bytes."""
        sealed = self.cipher.seal(plain.encode(), nonce=nonce, context=self._context(purpose))
        return _PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def decrypt(self, ciphertext: str, purpose: str) -> str:
        """Raises Undecipherable for what was changed, or made for another purpose; DataKeyNotFound."""
        return self.cipher.unseal(_sealed(ciphertext), context=self._context(purpose)).decode()

    def rewrapped(self, ciphertext: str, purpose: str, *, nonce: bytes) -> str:
        """The same under the active key, which it may be already. Raises Undecipherable, DataKeyNotFound."""
        if key_id_of(_sealed(ciphertext)) == self.cipher.active:
            self.decrypt(ciphertext, purpose)
            return ciphertext
        return self.encrypt(self.decrypt(ciphertext, purpose), purpose, nonce=nonce)

    def index(self, plain: str, purpose: str) -> str:
        """32 hexadecimal digits, the same for the same value, tenant and purpose, whatever the data key."""
        key = hmac.digest(self.secret, b"blind-index/" + self._context(purpose), "sha256")
        return hmac.digest(key, plain.encode(), "sha256")[:_INDEX_BYTES].hex()

    def _context(self, purpose: str) -> bytes:
        return f"field/{self.tenant}/{purpose}".encode()


def _sealed(ciphertext: str) -> bytes:
    encoded = ciphertext.removeprefix(_PREFIX)
    if encoded == ciphertext:
        raise Undecipherable
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Undecipherable from None
