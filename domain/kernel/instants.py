"""Instants as callers write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


def _written_out(instant: object) -> object:
    # Pydantic would take numbers for seconds since 1970, and say so nowhere in the document.
    if isinstance(instant, datetime) or (isinstance(instant, str) and _RFC3339.match(instant)):
        return instant
    raise ValueError("not an RFC 3339 date-time, such as 2026-03-01T09:21:00Z")


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant is not between the years 1 and 9999 in UTC") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""An instant with its offset from UTC; handed on in UTC."""
