"""Answers kept under Idempotency-Keys, in PostgreSQL.

Who answers a request says so with `asking`; the transaction that changes something then keeps the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from domain.kernel.idempotency import AlreadyAnswered, KeptAnswer, KeyedRequest

KEPT_FOR = timedelta(hours=24)
_FORGOTTEN_AT_ONCE = 10_000


class PostgresAnswers:
    """Kept in the transaction that makes the answer true, so that neither exists without the other."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def keep(self, request: KeyedRequest, *, status: int, answer: Any) -> None:
        """Waits for a concurrent request with the same key. Raises AlreadyAnswered; the caller then rolls back."""
        kept = await self._session.sql.fetchval(
            "INSERT INTO platform.http_answer (owner, key, fingerprint, status, answer) "
            "VALUES ($1, $2, $3, $4, $5::text::jsonb) ON CONFLICT DO NOTHING RETURNING true",
            request.owner,
            request.key,
            request.fingerprint,
            status,
            # As text: a column that holds JSON's null is not null.
            orjson.dumps(answer).decode(),
        )
        if not kept:
            raise AlreadyAnswered

    async def find(self, request: KeyedRequest) -> KeptAnswer | None:
        """The answer under this key, if there is one."""
        row = await self._session.sql.fetchrow(
            "SELECT fingerprint, status, answer FROM platform.http_answer WHERE owner = $1 AND key = $2",
            request.owner,
            request.key,
        )
        return KeptAnswer(**dict(row)) if row else None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is being answered: with which status, and with `data` of which shape."""

    request: KeyedRequest
    status: int
    shape: TypeAdapter[Any]

    def data(self, result: Any) -> Any:
        """The answer as it is kept, without secrets. Raises pydantic's ValidationError if it has another shape."""
        return self.shape.dump_python(_without_secrets(self.shape.validate_python(result)), mode="json")


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


@contextmanager
def asking(asked: Asked) -> Iterator[None]:
    """The next transaction of this task that changes something returns the answer, and keeps it."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


async def keep_answer(session: Session, result: Any) -> None:
    """At a transaction's end: `result` is the answer if it changed anything. Raises AlreadyAnswered."""
    asked = _asked.get()
    if asked is not None and session.has_changes:
        await PostgresAnswers(session).keep(asked.request, status=asked.status, answer=asked.data(result))


class KeptAnswers:
    """Forgets those that nobody will ask for any more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self) -> int:
        """Drop answers older than KEPT_FOR; how many there were."""
        forgotten = 0
        while True:
            status = await self._database.run(None, _forget_some)
            forgotten += status
            if status < _FORGOTTEN_AT_ONCE:
                return forgotten


async def _forget_some(session: Session) -> int:
    rows = await session.sql.fetch(
        "DELETE FROM platform.http_answer WHERE (owner, key) IN (SELECT owner, key FROM platform.http_answer "
        "WHERE created_at < now() - $1::interval ORDER BY created_at LIMIT $2) RETURNING 1",
        KEPT_FOR,
        _FORGOTTEN_AT_ONCE,
    )
    return len(rows)


def _without_secrets(result: Any) -> Any:
    """Fields whose format is `password` are shown to the first who asked, and null to whoever repeats it."""
    if not isinstance(result, BaseModel):
        return result
    secrets = [
        name
        for name, field in type(result).model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("format") == "password"
    ]
    return result.model_copy(update=dict.fromkeys(secrets)) if secrets else result
