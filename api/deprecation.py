"""Routes on their way out say so: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and where to go instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Depends, Request

TOLD = "deprecation_headers"
"""Where a route leaves its headers in the request's state; the edge puts them on its answers, refusals too."""


def deprecated(*, since: datetime, sunset: datetime, successor: str) -> dict[str, Any]:
    """Keyword arguments for a route: `@router.get("/old", **deprecated(...))`. Instants are aware UTC.

    Raises ValueError if callers get less than twelve months between the two (the report's section 4.2).
    """
    if sunset < _a_year_after(since):
        raise ValueError("a deprecated route stays for twelve months")
    headers = (
        (b"deprecation", f"@{int(since.timestamp())}".encode()),
        (b"sunset", format_datetime(sunset.astimezone(UTC), usegmt=True).encode()),
        (b"link", f'<{successor}>; rel="successor-version"'.encode()),
    )
    return {"deprecated": True, "dependencies": [Depends(_telling(headers))]}


def _a_year_after(instant: datetime) -> datetime:
    """The same day of the next year; the first of March for the 29th of February."""
    try:
        return instant.replace(year=instant.year + 1)
    except ValueError:
        return instant.replace(year=instant.year + 1, month=3, day=1)


def _telling(headers: tuple[tuple[bytes, bytes], ...]) -> Callable[[Request], Awaitable[None]]:
    async def tell(request: Request) -> None:
        request.scope["state"][TOLD] = headers

    return tell
