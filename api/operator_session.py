"""A cookie for the operator's browser, so that the Temporal UI may ask us to decode payloads."""

from __future__ import annotations

import hashlib
import hmac
import time
from http.cookies import CookieError, SimpleCookie

from domain.security.ids import ApiKeyId

COOKIE = "harborgrid_operator"
CODEC_PATH = "/v1/bus/codec"
LIFETIME_SECONDS = 8 * 3600


class OperatorSessions:
    """Signed with a key derived from the master key; carries the operator's key id and when it ends."""

    def __init__(self, root_secret: bytes) -> None:
        self._key = hmac.digest(root_secret, b"operator-session", "sha256")

    def issue(self, key_id: ApiKeyId) -> str:
        """The cookie's value."""
        body = f"{key_id}.{int(time.time()) + LIFETIME_SECONDS}"  # noqa: TID251 - an expiry on the wall clock
        return f"{body}.{self._sign(body)}"

    def key_id(self, cookie_header: bytes) -> ApiKeyId | None:
        """The operator's key, if the cookie is ours and has not ended."""
        try:
            morsel = SimpleCookie(cookie_header.decode("latin-1")).get(COOKIE)
        except CookieError:
            return None
        if morsel is None:
            return None
        body, _, signature = morsel.value.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        key_id, _, ends = body.rpartition(".")
        if int(ends) < time.time():  # noqa: TID251 - an expiry on the wall clock
            return None
        return ApiKeyId(key_id)

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()
