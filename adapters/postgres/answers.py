"""Answers kept under Idempotency-Keys, in PostgreSQL."""

from __future__ import annotations

from typing import Any

from adapters.postgres.session import Session
from domain.kernel.idempotency import AlreadyAnswered, KeptAnswer, KeyedRequest


class PostgresAnswers:
    """Kept in the transaction that makes the answer true, so that neither exists without the other."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def keep(self, request: KeyedRequest, *, status: int, answer: dict[str, Any]) -> None:
        """Waits for a concurrent request with the same key. Raises AlreadyAnswered; the caller then rolls back."""
        kept = await self._session.sql.fetchval(
            "INSERT INTO platform.http_answer (owner, key, fingerprint, status, answer) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT DO NOTHING RETURNING true",
            request.owner,
            request.key,
            request.fingerprint,
            status,
            answer,
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
