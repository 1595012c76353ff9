"""Things of a tenant's catalogue that have a code and revisions, each a document in a table of its kind."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from adapters.postgres.rows import by_code
from adapters.postgres.session import Session
from domain.kernel.pagination import Page


class _Coded(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def revision(self) -> int: ...


T = TypeVar("T", bound=BaseModel)


class Documents(Generic[T]):
    """See `domain.billing.ports.Listed`. The table has columns `code`, `revision` and `document`."""

    def __init__(self, session: Session, table: str, kind: type[T]) -> None:
        self._session, self._sql, self._table, self._kind = session, session.sql, table, kind

    async def add(self, thing: T) -> bool:
        """Insert; False if there is one with its code."""
        added = await self._sql.fetchval(
            f"INSERT INTO {self._table} (code, revision, document) VALUES ($1, $2, $3) "
            "ON CONFLICT DO NOTHING RETURNING true",
            *_values(thing),
        )
        return bool(added)

    async def put(self, thing: T) -> bool:
        """Replace the revision before this one; False if that is not there any more."""
        changed = await self._sql.fetchval(
            f"UPDATE {self._table} SET (revision, document) = ($2, $3) WHERE code = $1 AND revision = $2 - 1 "
            "RETURNING true",
            *_values(thing),
        )
        return bool(changed)

    async def find(self, code: str) -> T | None:
        """The one with this code, if there is one."""
        row = await self._sql.fetchrow(f"SELECT document FROM {self._table} WHERE code = $1", code)
        return self._read(row) if row else None

    async def page(self, *, cursor: str | None, limit: int) -> Page[T]:
        """By code."""
        every = f"SELECT code, document FROM {self._table}"
        return await by_code(self._session, every, self._read, cursor=cursor, limit=limit)

    def _read(self, row: Any) -> T:
        return self._kind.model_validate(row["document"])


def _values(thing: Any) -> tuple[object, ...]:
    coded: _Coded = thing
    return coded.code, coded.revision, thing.model_dump(mode="json")
