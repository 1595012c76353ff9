"""Parameters that many routes share."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import BeforeValidator, StringConstraints

from adapters.container import Container
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.pagination import DEFAULT_LIMIT, MAX_LIMIT

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# What PostgreSQL's text and a mail header both can hold: no control characters, nothing that ends a line.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$", min_length=1, max_length=200)]
Prose = Annotated[str, StringConstraints(max_length=5_000, pattern=r"^[^\x00]*$")]
"""Several lines of text."""

Email = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$", max_length=254)
]


def _written_out(value: object) -> object:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a date is written as 2026-03-31 (RFC 3339, full-date)")
    return value


Day = Annotated[date, BeforeValidator(_written_out)]
"""A date in a query; numbers are none."""

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before.")]
DEFAULT = DEFAULT_LIMIT

_REVISION = re.compile(r'"([0-9]{1,9})"')


def container_of(request: Request) -> Container:
    """What the application was built with."""
    container: Container = request.app.state.container
    return container


async def _container(request: Request) -> Container:
    return container_of(request)


World = Annotated[Container, Depends(_container)]

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag of the version you change, as GET gave it.", examples=['"1"']),
]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="ETags you have; the answer is 304 if one of them is current."),
]


def etag(revision: int) -> str:
    """The strong ETag of a revision (RFC 9110, section 8.8.3)."""
    return f'"{revision}"'


def is_known(if_none_match: str | None, current: str) -> bool:
    """Whether the caller has the current version already (weak comparison, RFC 9110, section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return current in tags or "*" in tags


def revision_in(if_match: str | None) -> int:
    """The revision an update is for: one strong ETag. Raises PreconditionRequired or PreconditionFailed."""
    if if_match is None:
        raise PreconditionRequired
    found = _REVISION.fullmatch(if_match.strip())
    if found is None:
        raise PreconditionFailed("If-Match is not an ETag of this resource")
    return int(found[1])
