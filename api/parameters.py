"""Parameters that many routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Query, Request
from pydantic import StringConstraints

from adapters.container import Container
from domain.kernel.errors import PreconditionFailed, PreconditionRequired
from domain.kernel.pagination import DEFAULT_LIMIT, MAX_LIMIT

# What PostgreSQL's text and a mail header both can hold: no control characters.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", min_length=1, max_length=200)]

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`nextCursor` of the page before.")]
DEFAULT = DEFAULT_LIMIT


def container_of(request: Request) -> Container:
    """What the application was built with."""
    container: Container = request.app.state.container
    return container


async def _container(request: Request) -> Container:
    return container_of(request)


World = Annotated[Container, Depends(_container)]

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the version you change, as GET gave it.")
]


def etag(revision: int) -> str:
    """The strong ETag of a revision (RFC 9110, section 8.8.3)."""
    return f'"{revision}"'


def revision_in(if_match: str | None) -> int:
    """The revision an update is for. Raises PreconditionRequired or PreconditionFailed."""
    if if_match is None:
        raise PreconditionRequired
    tag = if_match.strip().strip('"')
    if not tag.isdecimal() or len(tag) > 9:
        raise PreconditionFailed("If-Match is not an ETag of this resource")
    return int(tag)
