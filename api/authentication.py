"""Who is calling: an API key in `X-API-Key`, as `Authorization: Bearer` a session's token or an access token, or
whoever came with a certificate.

Keys and sessions' tokens are compared with their stored hash in constant time; access tokens are signed, and hold as
long as what they were granted by.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.types import Scope

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.remembered import Remembered
from adapters.security.revocations import Revocations
from api.callers import AccessTokens, Caller, looks_like_jwt, seconds_left
from api.client_certificates import ClientCertificates
from api.operator_session import CODEC_PATH, OperatorSessions
from domain.kernel.errors import Unauthenticated
from domain.kernel.permissions import Scope as Reach
from domain.security.ids import ApiKeyId, SessionId
from domain.security.model import Principal
from domain.security.people import Role
from domain.security.tokens import API_KEY, SESSION, same

_NOBODY = bytes(32)
_KEY = """
SELECT id, tenant_id, scopes, status, expires_at, secret_hash,
    last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS is_stale
FROM security_api_key WHERE id = $1 AND secret_hash IS NOT NULL
"""
_SESSION = """
SELECT session.id, session.user_id, session.tenant_id, session.secret_hash, session.expires_at, session.last_seen_at,
    session.factors, session.proved_at, membership.role, elevation.role AS elevated,
    elevation.expires_at AS elevated_until, session.last_seen_at < now() - interval '1 minute' AS is_stale
FROM security_session AS session
JOIN security_membership AS membership USING (tenant_id, user_id)
JOIN security_tenant AS tenant ON tenant.id = session.tenant_id AND tenant.status = 'active'
LEFT JOIN security_elevation AS elevation ON elevation.user_id = session.user_id
    AND elevation.tenant_id = session.tenant_id AND elevation.status = 'active' AND elevation.expires_at > now()
WHERE session.id = $1 AND session.ended_at IS NULL
"""
# Several processes may see one at once: who finds another at it has nothing to add.
_KEY_USED = """
UPDATE security_api_key SET last_used_at = now() WHERE id =
    (SELECT id FROM security_api_key WHERE id = $1 FOR UPDATE SKIP LOCKED)
"""
_SESSION_USED = """
UPDATE security_session SET last_seen_at = now() WHERE id =
    (SELECT id FROM security_session WHERE id = $1 FOR UPDATE SKIP LOCKED)
"""


class Authentication:
    """Reads credentials. No credentials is nobody; wrong ones are refused. idle: how long a session lives unused."""

    def __init__(
        self,
        database: Database,
        sessions: OperatorSessions,
        revocations: Revocations,
        access_tokens: AccessTokens,
        certificates: ClientCertificates,
        *,
        idle: timedelta,
    ) -> None:
        self._database, self._sessions, self._idle = database, sessions, idle
        self._access_tokens, self._certificates = access_tokens, certificates
        self._callers: Remembered[bytes, Caller] = Remembered(
            self._owner_of,
            revocations,
            lambda about, _, caller: about in caller.rests_on,
        )

    async def caller(self, headers: dict[bytes, bytes], scope: Scope) -> Caller | None:
        """The caller, or None. Raises Unauthenticated for credentials that are not valid."""
        presented = headers.get(b"x-api-key")
        if presented is None:
            presented = _bearer(headers.get(b"authorization"))
        if presented is None:
            # A cookie rides along unasked, so it opens nothing but the codec, which changes nothing.
            cookie = headers.get(b"cookie") if scope["path"].startswith(CODEC_PATH) else None
            return await (self._holder_of(cookie) if cookie else self._certificates.caller(scope, headers))
        return self._callers.now(presented) or await self._callers.get(presented)

    async def _owner_of(self, presented: bytes) -> tuple[Caller, float]:
        """Whose credential it is, and for how many seconds that may be remembered."""
        text = presented.decode("latin-1")
        if text.startswith(SESSION.prefix):
            return await self._person(text)
        if looks_like_jwt(text):
            return await self._access_tokens.owner_of(text)
        return await self._key_holder(text)

    async def _key_holder(self, presented: str) -> tuple[Caller, float]:
        read = API_KEY.read(presented)
        if read is None:
            raise Unauthenticated("the API key is malformed")
        key_id, secret_hash = read
        row = await self._row(_KEY, key_id)
        if not _is_genuine(secret_hash, row) or not _is_valid(row, utc_now()):
            raise Unauthenticated("the API key is unknown, revoked or expired")
        if row["is_stale"]:
            await self._database.run(None, lambda session: session.sql.execute(_KEY_USED, key_id))
        return _program(row), seconds_left(row["expires_at"])

    async def _person(self, presented: str) -> tuple[Caller, float]:
        read = SESSION.read(presented)
        if read is None:
            raise Unauthenticated("the session's token is malformed")
        session_id, secret_hash = read
        row = await self._row(_SESSION, session_id)
        genuine = _is_genuine(secret_hash, row)
        ends = min(row["expires_at"], row["last_seen_at"] + self._idle) if row else None
        if not genuine or ends is None or ends <= utc_now():
            raise Unauthenticated("the session is unknown or has ended", hint="POST /v1/security/sessions opens one.")
        if row["is_stale"]:
            await self._database.run(None, lambda session: session.sql.execute(_SESSION_USED, session_id))
        usual = Role(row["role"])
        role = Role(row["elevated"]) if row["elevated"] and not usual.covers(Role(row["elevated"])) else usual
        if row["elevated_until"] is not None:
            ends = min(ends, row["elevated_until"])
        principal = Principal(
            id=row["user_id"],
            tenant_id=row["tenant_id"],
            scopes=frozenset({role.scope}),
            session_id=session_id,
            role=role,
            elevated_from=usual if role is not usual else None,
            factors=tuple(row["factors"]),
            proved_at=row["proved_at"],
        )
        return Caller.of(principal, row["id"]), seconds_left(ends)

    async def _row(self, query: str, id_: ApiKeyId | SessionId) -> Any:
        async def read(session: Session) -> Any:
            return await session.sql.fetchrow(query, id_)

        return await self._database.run(None, read)

    async def _holder_of(self, cookie: bytes) -> Caller | None:
        key_id = self._sessions.key_id(cookie)
        if key_id is None:
            return None
        # The session ends with the key that opened it.
        row = await self._row(_KEY, key_id)
        return _program(row) if row and _is_valid(row, utc_now()) else None


def _bearer(authorization: bytes | None) -> bytes | None:
    """The credentials of RFC 6750, section 2.1; other schemes are not ours."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


def _is_genuine(secret_hash: bytes, row: Any) -> bool:
    """Compares even if there is no such row, so that both take the same time."""
    return same(secret_hash, row["secret_hash"] if row else _NOBODY) and row is not None


def _program(row: Any) -> Caller:
    principal = Principal(
        id=ApiKeyId(row["id"]),
        tenant_id=row["tenant_id"],
        scopes=frozenset(Reach(scope) for scope in row["scopes"]),
    )
    return Caller.of(principal)


def _is_valid(row: Any, now: datetime) -> bool:
    return row["status"] == "active" and (row["expires_at"] is None or row["expires_at"] > now)
