"""Time zones by their IANA names."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

_KNOWN = frozenset(available_timezones())


def _known(name: str) -> str:
    if name not in _KNOWN:
        raise ValueError("not a time zone of the IANA database, such as Europe/Berlin or UTC")
    return name


TimeZone = Annotated[
    str, Field(max_length=64, description="IANA time zone name.", examples=["Europe/Berlin"]), AfterValidator(_known)
]
