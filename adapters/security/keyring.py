"""Data keys per tenant in PostgreSQL, wrapped by a master key."""

from __future__ import annotations

import os
import time
from typing import Any

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.master_keys import MasterKeys
from domain.security.data_keys import PLATFORM
from domain.security.envelope import KEY_BYTES, Cipher
from domain.security.errors import DataKeyNotFound
from domain.security.ids import DataKeyId
from domain.security.key_model import DataKey

PLATFORM_KEYS = PLATFORM
_FRESH_SECONDS = 30.0
FORGOTTEN_SECONDS = 240.0
"""A key that was unwrapped is not remembered for longer: one that is destroyed is gone everywhere soon."""
_DATA_KEY = "id, tenant_id AS owner, master_key_id, created_at, retired_at, emptied_at"


class PostgresDataKeys:
    """The wrapped keys."""

    def __init__(self, session: Session) -> None:
        self._sql = session.sql

    async def rotate(self, fresh: DataKey, wrapped: bytes) -> DataKeyId | None:
        """Encrypt with this one from now on; the one it replaces, if there was one."""
        previous = await self._sql.fetchval(
            "UPDATE security_data_key SET retired_at = $2 WHERE tenant_id = $1 AND retired_at IS NULL RETURNING id",
            fresh.owner,
            fresh.created_at,
        )
        await self.ensure(fresh, wrapped)
        return DataKeyId(previous) if previous else None

    async def ensure(self, fresh: DataKey, wrapped: bytes) -> None:
        """Keep it, unless the owner has an active key: concurrent first uses agree on one."""
        await self._sql.execute(
            "INSERT INTO security_data_key (id, tenant_id, wrapped, created_at, master_key_id) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id) WHERE retired_at IS NULL DO NOTHING",
            fresh.id,
            fresh.owner,
            wrapped,
            fresh.created_at,
            fresh.master_key_id,
        )

    async def all(self, owner: str) -> list[DataKey]:
        """Newest first."""
        rows = await self._sql.fetch(
            f"SELECT {_DATA_KEY} FROM security_data_key WHERE tenant_id = $1 ORDER BY id DESC", owner
        )
        return [DataKey(**dict(row)) for row in rows]

    async def emptied(self, owner: str, *, but: DataKeyId, at: Any) -> None:
        """Nothing at rest is under the retired keys any more."""
        await self._sql.execute(
            "UPDATE security_data_key SET emptied_at = $3 WHERE tenant_id = $1 AND id <> $2 AND emptied_at IS NULL",
            owner,
            but,
            at,
        )


class PostgresKeyRing:
    """Keys are remembered for some minutes; a rotation is noticed within half a minute."""

    def __init__(self, database: Database, masters: MasterKeys) -> None:
        self._database, self._masters = database, masters
        self._keys: dict[str, tuple[bytes, float]] = {}
        self._owners: dict[str, tuple[list[str], float]] = {}

    async def active(self, tenant: str) -> tuple[str, bytes]:
        """The key that encrypts for this tenant today (`platform` for what no tenant owns)."""
        active = (await self._of(tenant))[0]
        return active, await self.key(active)

    async def cipher(self, tenant: str) -> Cipher:
        """All keys under which something of the tenant's may be at rest. For use within half a minute."""
        known = await self._of(tenant)
        return Cipher(known[0], {key_id: await self.key(key_id) for key_id in known})

    async def key(self, key_id: str) -> bytes:
        """Any key. Raises DataKeyNotFound, MasterKeyUnavailable."""
        known = self._keys.get(key_id)
        if known is None or known[1] <= time.monotonic():
            self._keys.pop(key_id, None)
            row = await self._database.run(
                None,
                lambda session: session.sql.fetchrow(
                    "SELECT tenant_id, wrapped, master_key_id FROM security_data_key WHERE id = $1", key_id
                ),
            )
            if row is None:
                raise DataKeyNotFound(data_key_id=key_id)
            context = context_of(key_id, row["tenant_id"])
            key = await self._masters.unwrap(row["wrapped"], master_key_id=row["master_key_id"], context=context)
            known = self._keys[key_id] = (key, time.monotonic() + FORGOTTEN_SECONDS)
        return known[0]

    async def fresh(self, owner: str) -> tuple[DataKey, bytes]:
        """A new key that nothing is encrypted under yet, and how it is kept. Raises MasterKeyUnavailable."""
        key_id = new_id(DataKeyId)
        made = DataKey(id=key_id, owner=owner, master_key_id=self._masters.master_key_id, created_at=utc_now())
        wrapped = await self._masters.wrap(os.urandom(KEY_BYTES), context=context_of(key_id, owner))
        return made, wrapped

    def rotated(self, owner: str) -> None:
        """It was, by this process: use the new key at once."""
        self._owners.pop(owner, None)

    async def _of(self, owner: str) -> list[str]:
        """Its keys, the active one first."""
        known = self._owners.get(owner)
        if known is None or known[1] <= time.monotonic():
            keys = await self._look(owner)
            if not keys or keys[0].retired_at is not None:
                fresh, wrapped = await self.fresh(owner)
                await self._database.run(None, lambda session: PostgresDataKeys(session).ensure(fresh, wrapped))
                keys = await self._look(owner)
            in_use: list[str] = [key.id for key in keys if key.emptied_at is None]
            known = self._owners[owner] = (in_use, time.monotonic() + _FRESH_SECONDS)
        return known[0]

    async def _look(self, owner: str) -> list[DataKey]:
        return await self._database.run(None, lambda session: PostgresDataKeys(session).all(owner))


def context_of(key_id: str, owner: str) -> dict[str, str]:
    """What a data key is wrapped with: it opens as this owner's key only."""
    return {"purpose": "data-key", "owner": owner, "id": key_id}
