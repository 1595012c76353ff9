"""Second factors in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.postgres.session import Session
from domain.kernel.ids import UserId
from domain.security.people import Totp


class PostgresSecondFactors:
    """Authenticator apps and recovery codes."""

    def __init__(self, session: Session) -> None:
        self._sql = session.sql

    async def totp(self, user_id: UserId) -> Totp | None:
        """Locked until the transaction ends."""
        row = await self._sql.fetchrow(
            "SELECT user_id, sealed, created_at, confirmed_at, last_step FROM security_totp WHERE user_id = $1 "
            "FOR UPDATE",
            user_id,
        )
        return Totp(**dict(row)) if row else None

    async def put_totp(self, totp: Totp) -> None:
        """Insert or replace."""
        await self._sql.execute(
            "INSERT INTO security_totp (user_id, sealed, created_at, confirmed_at, last_step) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE "
            "SET (sealed, created_at, confirmed_at, last_step) "
            "= (excluded.sealed, excluded.created_at, excluded.confirmed_at, excluded.last_step)",
            totp.user_id,
            totp.sealed,
            totp.created_at,
            totp.confirmed_at,
            totp.last_step,
        )

    async def remove(self, user_id: UserId) -> None:
        """The app, and every recovery code."""
        await self._sql.execute("DELETE FROM security_totp WHERE user_id = $1", user_id)
        await self._sql.execute("DELETE FROM security_recovery_code WHERE user_id = $1", user_id)

    async def replace_codes(self, user_id: UserId, hashes: Sequence[bytes]) -> None:
        """These instead of all before."""
        await self._sql.execute("DELETE FROM security_recovery_code WHERE user_id = $1", user_id)
        await self._sql.execute(
            "INSERT INTO security_recovery_code (user_id, code_hash) SELECT $1, unnest($2::bytea[])",
            user_id,
            list(hashes),
        )

    async def use_code(self, user_id: UserId, code_hash: bytes, *, at: datetime) -> bool:
        """Use up a code; False if there is none like it that is unused."""
        used = await self._sql.fetchval(
            "UPDATE security_recovery_code SET used_at = $3 "
            "WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING true",
            user_id,
            code_hash,
            at,
        )
        return bool(used)

    async def codes_left(self, user_id: UserId) -> int:
        """How many recovery codes are unused."""
        number: int = await self._sql.fetchval(
            "SELECT count(*) FROM security_recovery_code WHERE user_id = $1 AND used_at IS NULL", user_id
        )
        return number
