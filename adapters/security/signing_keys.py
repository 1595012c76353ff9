"""The keys that tokens are signed with: in PostgreSQL, sealed under the platform's data key."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import Database
from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from adapters.security.keyring import PostgresKeyRing
from adapters.security.remembered import FRESH_SECONDS, Remembered
from adapters.security.revocations import Revocations
from domain.kernel.ports import Transactions
from domain.security import jose
from domain.security.data_keys import PLATFORM
from domain.security.envelope import NONCE_BYTES
from domain.security.ids import SigningKeyId
from domain.security.jose import KeySet, VerificationKey
from domain.security.oauth import SigningKey
from domain.security.oauth_errors import SigningKeyNotFound
from domain.security.ports import SecurityUnitOfWork
from domain.security.signing_keys import introduce, is_due, signer

_COLUMNS = "id, algorithm, public, sealed, created_at, signs_from, expires_at, revoked_at"


class PostgresSigningKeys:
    """The key pairs."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def hold(self) -> None:
        """Wait for others who rotate."""
        await hold(self._session, "security_signing_key/rotate")

    async def known(self, *, now: datetime) -> list[SigningKey]:
        """Those whose tokens are believed, oldest first."""
        rows = await self._sql.fetch(
            f"SELECT {_COLUMNS} FROM security_signing_key "
            "WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1) ORDER BY id",
            now,
        )
        return [_key(row) for row in rows]

    async def get(self, key_id: SigningKeyId) -> SigningKey:
        """Raises SigningKeyNotFound."""
        row = await self._sql.fetchrow(f"SELECT {_COLUMNS} FROM security_signing_key WHERE id = $1", key_id)
        if row is None:
            raise SigningKeyNotFound
        return _key(row)

    async def put(self, key: SigningKey) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_signing_key ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
            "ON CONFLICT (id) DO UPDATE SET (signs_from, expires_at, revoked_at) "
            "= (excluded.signs_from, excluded.expires_at, excluded.revoked_at)",
            key.id,
            key.algorithm,
            key.public,
            key.sealed,
            key.created_at,
            key.signs_from,
            key.expires_at,
            key.revoked_at,
        )


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """One private key, ready."""

    algorithm: str
    kid: str
    key: Key

    def sign(self, claims: dict[str, Any], *, kind: str) -> str:
        """A token of this `typ`."""
        return jose.sign(claims, self.key, algorithm=self.algorithm, kid=self.kid, kind=kind)


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """What is known at one moment: the pairs, and the set that tokens are verified with."""

    pairs: list[SigningKey]
    verifying: KeySet
    unsealed: Callable[[SigningKey], Key]

    def signer(self, algorithm: str, now: datetime) -> TokenSigner:
        """Signs with the key whose turn it is."""
        pair = signer(self.pairs, algorithm, now)
        assert pair is not None, "ready() saw to it"
        return TokenSigner(algorithm, pair.id, self.unsealed(pair))


class SigningKeyRing:
    """Signs and verifies; a key that is revoked is believed no more from the next request on, in every process."""

    def __init__(
        self,
        database: Database,
        security: Transactions[SecurityUnitOfWork],
        keys: PostgresKeyRing,
        revocations: Revocations,
    ) -> None:
        self._database, self._security, self._keys, self._revocations = database, security, keys, revocations
        self._private: dict[str, Key] = {}
        self._known: Remembered[str, TokenKeys] = Remembered(
            self._look_up, revocations, lambda about, _key, _value: about.startswith(f"{SigningKeyId.prefix}_")
        )

    async def known(self) -> TokenKeys:
        """As of now."""
        return self._known.now("") or await self._known.get("")

    async def ready(self) -> TokenKeys:
        """The same, with a key that signs for every algorithm: the first who ask have them made."""
        known, now = await self.known(), utc_now()
        missing = [each for each in jose.ALGORITHMS if signer(known.pairs, each, now) is None]
        if not missing:
            return known
        for algorithm in missing:
            await self.introduce(algorithm)
        return await self.known()

    async def introduce(self, algorithm: str) -> SigningKey:
        """Let a new key sign; see `domain.security.signing_keys.introduce`."""
        fresh = await self.fresh(algorithm)
        made = await self._security(None, lambda uow: introduce(uow, fresh, now=utc_now()))
        self._revocations.tell(made.id)
        return made

    async def rotate_due(self) -> list[SigningKeyId]:
        """Let a new key sign wherever one has signed for long enough; the new ones."""
        # Not from memory: an hour would pass before what has changed a moment ago is looked at again.
        known, _ = await self._look_up("")
        due = [each for each in jose.ALGORITHMS if is_due(known.pairs, each, utc_now())]
        return [(await self.introduce(algorithm)).id for algorithm in due]

    async def fresh(self, algorithm: str) -> SigningKey:
        """A new pair that nobody knows yet."""
        # RSA takes up to a second.
        key = await asyncio.to_thread(_generate, algorithm)
        key_id, now = new_id(SigningKeyId), utc_now()
        told = {"kid": key_id, "use": "sig", "alg": algorithm}
        private = json.dumps(key.as_dict(private=True)).encode()
        cipher = await self._keys.cipher(PLATFORM)
        sealed = cipher.seal(private, nonce=os.urandom(NONCE_BYTES), context=key_id.encode())
        public = {**key.as_dict(private=False), **told}
        return SigningKey(id=key_id, algorithm=algorithm, public=public, sealed=sealed, created_at=now, signs_from=now)

    def _unsealed(self, pair: SigningKey) -> Key:
        return self._private[pair.id]

    async def _unseal(self, pairs: list[SigningKey]) -> None:
        """Each private key once; a pair never gets another."""
        unknown = [pair for pair in pairs if pair.id not in self._private]
        if not unknown:
            return
        cipher = await self._keys.cipher(PLATFORM)
        for pair in unknown:
            private = json.loads(cipher.unseal(pair.sealed, context=pair.id.encode()))
            self._private[pair.id] = jose.import_key(pair.algorithm, private)

    async def _look_up(self, _: str) -> tuple[TokenKeys, float]:
        now = utc_now()
        pairs = await self._database.run(None, lambda session: PostgresSigningKeys(session).known(now=now))
        await self._unseal(pairs)
        verifying = KeySet(tuple(VerificationKey(pair.id, pair.algorithm, _public(pair)) for pair in pairs))
        return TokenKeys(pairs, verifying, self._unsealed), FRESH_SECONDS


def _generate(algorithm: str) -> Key:
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)


def _public(pair: SigningKey) -> Key:
    return jose.import_key(pair.algorithm, pair.public)


def _key(row: Any) -> SigningKey:
    return SigningKey(**dict(row))
