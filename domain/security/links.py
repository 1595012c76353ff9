"""Links that are mailed: `<id>.<HMAC-SHA-256 of it>`. The secret half is computed when needed and kept nowhere."""

from __future__ import annotations

import base64
import hmac


class Links:
    """Makes and reads the tokens in links. root_secret: 32 bytes; the links' key is derived from it."""

    def __init__(self, root_secret: bytes) -> None:
        self._key = hmac.digest(root_secret, b"mailed-links", "sha256")

    def token(self, about: str) -> str:
        """The token for this id."""
        return f"{about}.{self._sign(about)}"

    def read(self, token: str) -> str | None:
        """The id, if the token is ours."""
        about, _, signature = token.rpartition(".")
        genuine = hmac.compare_digest(signature.encode(), self._sign(about).encode())
        return about if genuine else None

    def _sign(self, about: str) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self._key, about.encode(), "sha256")).rstrip(b"=").decode()
