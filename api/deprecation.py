"""Routes on their way out say so: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and where to go instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Depends, Response


def deprecated(*, since: datetime, sunset: datetime, successor: str) -> dict[str, Any]:
    """Keyword arguments for a route: `@router.get("/old", **deprecated(...))`. Instants are aware UTC.

    Raises ValueError if callers get less than twelve months between the two (the report's section 4.2).
    """
    if (sunset - since).days < 365:
        raise ValueError("a deprecated route stays for twelve months")
    return {"deprecated": True, "dependencies": [Depends(_telling(since, sunset, successor))]}


def _telling(since: datetime, sunset: datetime, successor: str) -> Callable[[Response], None]:
    def tell(response: Response) -> None:
        response.headers["Deprecation"] = f"@{int(since.timestamp())}"
        response.headers["Sunset"] = format_datetime(sunset, usegmt=True)
        response.headers["Link"] = f'<{successor}>; rel="successor-version"'

    return tell
