"""Cursor pagination: a page, and an opaque cursor that says where the next one starts."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Generic, TypeVar

from domain.kernel.errors import Malformed
from domain.kernel.payload import Payload

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class BadCursor(Malformed):
    """The cursor is not one that this endpoint gave out."""

    code = "kernel.bad_cursor"
    hint = "Start again without a cursor, or send back nextCursor unchanged."


class Page(Payload, Generic[T]):
    """One page of a list, in a stable order; `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*position: str | int) -> str:
    """An opaque, URL-safe cursor for a position in the list's order."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: type[str | int]) -> tuple[str | int, ...]:
    """The position in a cursor made by `encode_cursor`. Raises BadCursor."""
    try:
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, UnicodeDecodeError):
        raise BadCursor from None
    if not isinstance(position, list) or [type(part) for part in position] != list(kinds):
        raise BadCursor
    if not all(_is_storable(part) for part in position):
        raise BadCursor
    return tuple(position)


def _is_storable(part: str | int) -> bool:
    """Whether PostgreSQL's text or bigint can hold it: no NUL, no half of a surrogate pair."""
    if isinstance(part, int):
        return 0 <= part < 2**63
    return "\x00" not in part and not any("\ud800" <= character <= "\udfff" for character in part)
