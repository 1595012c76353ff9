"""Passkeys in PostgreSQL."""

from __future__ import annotations

from adapters.postgres.session import Session
from domain.kernel.ids import UserId
from domain.security.ids import PasskeyChallengeId, PasskeyId
from domain.security.people import Passkey, PasskeyChallenge
from domain.security.people_errors import PasskeyNotFound

_PASSKEY = "id, user_id, name, credential_id, public_key, sign_count, synced, created_at, last_used_at"
_CHALLENGE = "id, user_id, challenge, created_at, expires_at"


class PostgresPasskeys:
    """Passkeys, and what devices have to sign."""

    def __init__(self, session: Session) -> None:
        self._sql = session.sql

    async def add(self, passkey: Passkey) -> bool:
        """Insert; False if the credential is known."""
        added = await self._sql.fetchval(
            f"INSERT INTO security_passkey ({_PASSKEY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
            "ON CONFLICT (credential_id) DO NOTHING RETURNING true",
            passkey.id,
            passkey.user_id,
            passkey.name,
            passkey.credential_id,
            passkey.public_key,
            passkey.sign_count,
            passkey.synced,
            passkey.created_at,
            passkey.last_used_at,
        )
        return bool(added)

    async def of(self, user_id: UserId) -> list[Passkey]:
        """A person's, newest first."""
        rows = await self._sql.fetch(
            f"SELECT {_PASSKEY} FROM security_passkey WHERE user_id = $1 ORDER BY id DESC", user_id
        )
        return [Passkey(**dict(row)) for row in rows]

    async def find(self, credential_id: bytes) -> Passkey | None:
        """Locked until the transaction ends."""
        row = await self._sql.fetchrow(
            f"SELECT {_PASSKEY} FROM security_passkey WHERE credential_id = $1 FOR UPDATE", credential_id
        )
        return Passkey(**dict(row)) if row else None

    async def put(self, passkey: Passkey) -> None:
        """It has been used."""
        await self._sql.execute(
            "UPDATE security_passkey SET (sign_count, last_used_at) = ($2, $3) WHERE id = $1",
            passkey.id,
            passkey.sign_count,
            passkey.last_used_at,
        )

    async def remove(self, user_id: UserId, passkey_id: PasskeyId) -> None:
        """Raises PasskeyNotFound."""
        removed = await self._sql.fetchval(
            "DELETE FROM security_passkey WHERE id = $1 AND user_id = $2 RETURNING true", passkey_id, user_id
        )
        if not removed:
            raise PasskeyNotFound

    async def add_challenge(self, challenge: PasskeyChallenge) -> None:
        """Insert."""
        await self._sql.execute(
            f"INSERT INTO security_passkey_challenge ({_CHALLENGE}) VALUES ($1, $2, $3, $4, $5)",
            challenge.id,
            challenge.user_id,
            challenge.challenge,
            challenge.created_at,
            challenge.expires_at,
        )

    async def take_challenge(self, challenge_id: PasskeyChallengeId) -> PasskeyChallenge | None:
        """Use it up, if it is there."""
        row = await self._sql.fetchrow(
            f"DELETE FROM security_passkey_challenge WHERE id = $1 RETURNING {_CHALLENGE}", challenge_id
        )
        return PasskeyChallenge(**dict(row)) if row else None
