"""Time-based one-time passwords (RFC 6238), as authenticator apps make them: SHA-1, 6 digits, 30 seconds."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from typing import Literal
from urllib.parse import quote

SECRET_BYTES = 20
STEP_SECONDS, DIGITS = 30, 6
_ISSUER = "HarborGrid"
# One step to either side: clocks of phones differ, and people type slowly (RFC 6238, section 5.2).
_DRIFT = 1


def step_at(now: datetime) -> int:
    """The number of the time step that an instant is in."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(
    secret: bytes, step: int, *, digits: int = DIGITS, hash_: Literal["sha1", "sha256", "sha512"] = "sha1"
) -> str:
    """The one-time password of a time step (RFC 4226, section 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hash_)
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, presented: str, now: datetime, *, after: int) -> int | None:
    """The step whose code this is, near this instant and later than step `after`: each code works once."""
    here = step_at(now)
    found = None
    for step in range(here - _DRIFT, here + _DRIFT + 1):
        # Every step is compared, so that the time tells nothing.
        if hmac.compare_digest(code_at(secret, step).encode(), presented.encode()) and step > after:
            found = step
    return found


def base32(secret: bytes) -> str:
    """The secret as people type it into an app (RFC 4648, section 6, without padding)."""
    return base64.b32encode(secret).rstrip(b"=").decode()


def key_uri(secret: bytes, email: str) -> str:
    """What a QR code for an authenticator app holds (the Key URI format)."""
    label = quote(f"{_ISSUER}:{email}", safe="@:")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer={_ISSUER}"
