"""The one place that knows the time, and the one place that makes ids."""

from datetime import UTC, datetime

import uuid_utils

from domain.kernel.ports import IdT


def utc_now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the clock everything else is handed


def new_id(kind: type[IdT]) -> IdT:
    """A new id of this kind, from a UUIDv7 (RFC 9562) that grows within this process."""
    return kind.numbered(uuid_utils.uuid7().int)
