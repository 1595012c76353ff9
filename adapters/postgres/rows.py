"""What repositories share: lists of columns, pages by id, and a place in the queue for a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from adapters.postgres.session import Session
from domain.kernel.pagination import Page, decode_cursor, encode_cursor

T = TypeVar("T")


async def hold(session: Session, key: str) -> None:
    """Wait until no other transaction holds this key, and hold it until this one ends."""
    await session.sql.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)


@cache
def names(columns: tuple[str, ...], of: str = "") -> str:
    """A list of columns in SQL."""
    return ", ".join(f'{of}"{name}"' for name in columns)


@cache
def places(columns: tuple[str, ...], before: int = 0) -> str:
    """As many places for values: $1, $2, ..., after those that come before."""
    return ", ".join(f"${before + number}" for number in range(1, len(columns) + 1))


def values_of(thing: Any, columns: Sequence[str]) -> list[Any]:
    """The attributes that are called like the columns, as asyncpg wants them."""
    values = [getattr(thing, name) for name in columns]
    return [list(value) if isinstance(value, tuple) else value for value in values]


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


async def by_code(
    session: Session, query: str, read: Callable[[Any], T], *values: object, cursor: str | None, limit: int
) -> Page[T]:
    """A page of a query's rows by their column `code`. `query` uses $1.. for `values`, and has no order yet."""
    position = len(values)
    after = f"WHERE code > ${position + 2}" if cursor else ""
    before = decode_cursor(cursor, str) if cursor else ()
    rows = await session.sql.fetch(
        f"SELECT * FROM ({query}) AS found {after} ORDER BY code LIMIT ${position + 1}", *values, limit + 1, *before
    )
    more = len(rows) > limit
    return Page(
        items=[read(row) for row in rows[:limit]],
        next_cursor=encode_cursor(rows[limit - 1]["code"]) if more else None,
    )
