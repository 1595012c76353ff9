"""What repositories share: pages by id, and a place in the queue for a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from adapters.postgres.session import Session
from domain.kernel.pagination import Page, decode_cursor, encode_cursor

T = TypeVar("T")


async def hold(session: Session, key: str) -> None:
    """Wait until no other transaction holds this key, and hold it until this one ends."""
    await session.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)


async def newest_first(
    session: Session,
    table: str,
    read: Callable[[Any], T],
    *,
    where: str = "true",
    values: tuple[object, ...] = (),
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """A page of a table by descending id; ids grow with time. `where` uses $1.. for `values`."""
    position = len(values)
    after = f"AND id < ${position + 2}" if cursor else ""
    before = decode_cursor(cursor, str) if cursor else ()
    rows = await session.sql.fetch(
        f"SELECT * FROM {table} WHERE {where} {after} ORDER BY id DESC LIMIT ${position + 1}",
        *values,
        limit + 1,
        *before,
    )
    more = len(rows) > limit
    return Page(
        items=[read(row) for row in rows[:limit]],
        next_cursor=encode_cursor(rows[limit - 1]["id"]) if more else None,
    )
