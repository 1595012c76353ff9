"""Who is calling: an API key in `X-API-Key`, checked against its stored hash in constant time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.remembered import FRESH_SECONDS, Remembered
from adapters.security.revocations import Revocations
from api.operator_session import CODEC_PATH, OperatorSessions
from domain.kernel.context import Actor, ActorKind
from domain.kernel.errors import Unauthenticated
from domain.kernel.permissions import Scope
from domain.security import api_keys
from domain.security.ids import ApiKeyId
from domain.security.model import Principal

_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone we know: what they may do, and how the audit trail names them."""

    principal: Principal
    actor: Actor


class Authentication:
    """Reads credentials. No credentials is nobody; wrong ones are refused."""

    def __init__(self, database: Database, sessions: OperatorSessions, revocations: Revocations) -> None:
        self._database, self._sessions = database, sessions
        self._callers: Remembered[bytes, Caller] = Remembered(
            self._owner_of, revocations, lambda about, _, caller: about == caller.principal.key_id
        )

    async def caller(self, headers: dict[bytes, bytes], path: str) -> Caller | None:
        """The caller, or None. Raises Unauthenticated for credentials that are not valid."""
        presented = headers.get(b"x-api-key")
        if presented is None:
            # A cookie rides along unasked, so it opens nothing but the codec, which changes nothing.
            cookie = headers.get(b"cookie") if path.startswith(CODEC_PATH) else None
            return await self._holder_of(cookie) if cookie else None
        return self._callers.now(presented) or await self._callers.get(presented)

    async def _owner_of(self, presented: bytes) -> tuple[Caller, float]:
        """Whose key it is, and for how many seconds that may be remembered."""
        read = api_keys.read(presented.decode("latin-1"))
        if read is None:
            raise Unauthenticated("the API key is malformed")
        key_id, secret_hash = read
        row = await self._database.run(None, lambda session: _row(session, key_id))
        # Compare even if there is no such key, so that both take the same time.
        matches = api_keys.same(secret_hash, row["secret_hash"] if row else _NOBODY)
        if row is None or not matches or not _is_valid(row, utc_now()):
            raise Unauthenticated("the API key is unknown, revoked or expired")
        if row["is_stale"]:
            await self._database.run(None, lambda session: _mark_used(session, key_id))
        return _caller(row), _seconds_left(row)

    async def _holder_of(self, cookie: bytes) -> Caller | None:
        key_id = self._sessions.key_id(cookie)
        if key_id is None:
            return None
        # The session ends with the key that opened it.
        row = await self._database.run(None, lambda session: _row(session, key_id))
        return _caller(row) if row and _is_valid(row, utc_now()) else None


def _caller(row: Any) -> Caller:
    principal = Principal(
        key_id=ApiKeyId(row["id"]),
        tenant_id=row["tenant_id"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
    )
    kind = ActorKind.OPERATOR if principal.is_operator else ActorKind.API_KEY
    return Caller(principal, Actor(kind=kind, id=principal.key_id))


def _seconds_left(row: Any) -> float:
    if row["expires_at"] is None:
        return FRESH_SECONDS
    left: float = (row["expires_at"] - utc_now()).total_seconds()
    return min(FRESH_SECONDS, left)


def _is_valid(row: Any, now: datetime) -> bool:
    return row["status"] == "active" and (row["expires_at"] is None or row["expires_at"] > now)


async def _row(session: Session, key_id: ApiKeyId) -> Any:
    return await session.sql.fetchrow(
        "SELECT id, tenant_id, scopes, status, expires_at, secret_hash, "
        "last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS is_stale "
        "FROM security_api_key WHERE id = $1 AND secret_hash IS NOT NULL",
        key_id,
    )


async def _mark_used(session: Session, key_id: ApiKeyId) -> None:
    """Several processes may see the key at once: who finds another at it has nothing to add."""
    await session.sql.execute(
        "UPDATE security_api_key SET last_used_at = now() WHERE id = "
        "(SELECT id FROM security_api_key WHERE id = $1 FOR UPDATE SKIP LOCKED)",
        key_id,
    )
