"""The same request twice is one effect: what identifies a request, and what a repeat gets."""

from __future__ import annotations

import hashlib
from typing import Any

from domain.kernel.errors import Conflict
from domain.kernel.payload import Payload


class KeyedRequest(Payload):
    """A request under an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

    owner: whose it is and who sent it, `<tenant or operator>/<API key id>`; fingerprint: SHA-256 of what was asked.
    """

    owner: str
    key: str
    fingerprint: str


class KeptAnswer(Payload):
    """The answer the first request got."""

    fingerprint: str
    status: int
    answer: Any


class AlreadyAnswered(Conflict):
    """This Idempotency-Key has an answer; it is given again."""

    code = "kernel.already_answered"


def fingerprint(method: str, path: str, body: str) -> str:
    """SHA-256 over method, path and the body as its model writes it (JSON, fields in the model's order), in hex."""
    return hashlib.sha256(f"{method} {path}\n{body}".encode()).hexdigest()
