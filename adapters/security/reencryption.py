"""Brings what is at rest under another key: a batch a transaction, so that nothing is ever half done."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.postgres.database import Database
from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from adapters.security.keyring import PostgresDataKeys, PostgresKeyRing, context_of
from adapters.security.master_keys import MasterKeys, rewrap_root_secret
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.commands import FollowReencryption, ReencryptionState
from domain.security.data_keys import PLATFORM, state_of
from domain.security.envelope import KEY_ID_BYTES, NONCE_BYTES, Cipher
from domain.security.errors import DataKeyNotFound, MasterKeyUnavailable, ReencryptionNotFound, ReencryptionUnderWay
from domain.security.ids import ReencryptionId
from domain.security.key_model import Reencryption, ReencryptionScope

_COLUMNS = tuple(Reencryption.model_fields)
_BATCH, _BATCHES = 200, 50
_WRAPPED = 20


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table whose column `sealed` a Cipher wrote, with the row's key as context."""

    name: str
    key: str = "id"
    of_tenants: bool = False

    def left(self, counted: str = "count(*)") -> str:
        """SQL of what is not under key $1 yet; of tenant $2, if tenants own it."""
        owned = " AND tenant_id = $2" if self.of_tenants else ""
        return (
            f"SELECT {counted} FROM {self.name} "
            f"WHERE substring(sealed FOR {KEY_ID_BYTES}) <> convert_to($1, 'UTF8'){owned}"
        )


SEALED = (
    SealedTable("security_totp", key="user_id"),
    SealedTable("security_signing_key"),
    SealedTable("security_identity_provider", of_tenants=True),
    SealedTable("security_exchange_key", of_tenants=True),
    SealedTable("security_subject_receipt", of_tenants=True),
    SealedTable("billing_payment_account", of_tenants=True),
)
"""All there are; a table that is not here would be left behind, so a test looks for such."""


class PostgresReencryptions:
    """What is under way, and was."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, reencryption: Reencryption) -> None:
        """Insert or replace. Raises ReencryptionUnderWay if the owner has one of this kind under way."""
        kept = await self._sql.fetchval(
            f"INSERT INTO security_reencryption ({names(_COLUMNS)}) VALUES ({places(_COLUMNS)}) "
            "ON CONFLICT DO NOTHING RETURNING true",
            *values_of(reencryption, _COLUMNS),
        )
        if kept:
            return
        there = await self._sql.fetchval(
            "UPDATE security_reencryption SET (completed_at, done) = ($2, $3) WHERE id = $1 RETURNING true",
            reencryption.id,
            reencryption.completed_at,
            reencryption.done,
        )
        if there is None:
            raise ReencryptionUnderWay

    async def get(self, tenant: TenantId | None, reencryption_id: ReencryptionId) -> Reencryption:
        """Locked until the transaction ends; tenant None may see all. Raises ReencryptionNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_COLUMNS)} FROM security_reencryption "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            reencryption_id,
            tenant,
        )
        if row is None:
            raise ReencryptionNotFound
        return Reencryption(**dict(row))

    async def under_way(self, tenant: TenantId | None, scope: ReencryptionScope) -> Reencryption | None:
        """The owner's of this kind that is not done yet."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_COLUMNS)} FROM security_reencryption "
            "WHERE tenant_id IS NOT DISTINCT FROM $1 AND scope = $2 AND completed_at IS NULL",
            tenant,
            scope,
        )
        return Reencryption(**dict(row)) if row else None

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Reencryption]:
        """Newest first; tenant None may see all."""
        return await newest_first(
            self._session,
            "security_reencryption",
            lambda row: Reencryption(**dict(row)),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )

    async def left(self, reencryption: Reencryption) -> int:
        """How many things are not under the key yet."""
        if reencryption.scope is ReencryptionScope.MASTER_KEY:
            left: int = await self._sql.fetchval(
                "SELECT (SELECT count(*) FROM security_data_key WHERE master_key_id IS DISTINCT FROM $1) "
                "+ (SELECT count(*) FROM security_root_secret WHERE master_key_id <> $1)",
                reencryption.key_id,
            )
            return left
        counted = [await self._sql.fetchval(table.left(), *_values(reencryption)) for table in tables_of(reencryption)]
        return sum(counted)


def tables_of(reencryption: Reencryption) -> list[SealedTable]:
    """Those that its owner's keys seal."""
    return [table for table in SEALED if table.of_tenants is (reencryption.tenant_id is not None)]


def _values(reencryption: Reencryption) -> tuple[str, ...]:
    owner = () if reencryption.tenant_id is None else (reencryption.tenant_id,)
    return (reencryption.key_id, *owner)


class PostgresReencryptor:
    """See `domain.security.ports.Reencryptor`."""

    def __init__(
        self, database: Database, keys: PostgresKeyRing, masters: MasterKeys, *, batches: int = _BATCHES
    ) -> None:
        """batches: so many in a step."""
        self._database, self._keys, self._masters, self._batches = database, keys, masters, batches

    async def step(self, cmd: FollowReencryption, *, heartbeat: Callable[..., None]) -> ReencryptionState:
        """The next batches, each whole in a transaction of its own; where it stands then. May be done again."""
        moved, there = 1, await self._there(cmd)
        batch = await self._batch(there)
        for _ in range(self._batches):
            moved, there = await self._database.run(None, batch)
            heartbeat(there.done)
            if not moved:
                break
        left = await self._database.run(None, lambda session: PostgresReencryptions(session).left(there))
        return state_of(there, left)

    async def _there(self, cmd: FollowReencryption) -> Reencryption:
        return await self._database.run(
            None, lambda session: PostgresReencryptions(session).get(None, cmd.reencryption_id)
        )

    async def _batch(self, there: Reencryption) -> Callable[[Session], Awaitable[tuple[int, Reencryption]]]:
        if there.scope is ReencryptionScope.MASTER_KEY:
            if self._masters.master_key_id != there.key_id:
                raise MasterKeyUnavailable("this worker wraps with another master key: restart it with the new one")
            move = self._rewrapped
        else:
            cipher = await self._cipher(there)

            async def move(session: Session) -> int:
                moved = 0
                for table in tables_of(there):
                    moved += await _resealed(session, table, there, cipher)
                return moved

        async def batch(session: Session) -> tuple[int, Reencryption]:
            reencryptions = PostgresReencryptions(session)
            # Held first: of two workers at it, one waits.
            now = await reencryptions.get(None, there.id)
            moved = await move(session)
            now = now.model_copy(update={"done": now.done + moved})
            if moved:
                await reencryptions.put(now)
            return moved, now

        return batch

    async def _cipher(self, there: Reencryption) -> Cipher:
        owner = there.tenant_id or PLATFORM
        known = await self._database.run(None, lambda session: PostgresDataKeys(session).all(owner))
        if not known or known[0].id != there.key_id:
            # Its keys were destroyed meanwhile, with everything under them; asking for a cipher would make one.
            raise DataKeyNotFound(data_key_id=there.key_id)
        self._keys.rotated(owner)
        return await self._keys.cipher(owner)

    async def _rewrapped(self, session: Session) -> int:
        rows = await session.sql.fetch(
            "SELECT id, tenant_id, wrapped, master_key_id FROM security_data_key "
            "WHERE master_key_id IS DISTINCT FROM $1 ORDER BY id LIMIT $2 FOR UPDATE",
            self._masters.master_key_id,
            _WRAPPED,
        )
        for row in rows:
            context = context_of(row["id"], row["tenant_id"])
            key = await self._masters.unwrap(row["wrapped"], master_key_id=row["master_key_id"], context=context)
            await session.sql.execute(
                "UPDATE security_data_key SET (master_key_id, wrapped) = ($2, $3) WHERE id = $1",
                row["id"],
                self._masters.master_key_id,
                await self._masters.wrap(key, context=context),
            )
        return len(rows) + await rewrap_root_secret(session, self._masters)


async def _resealed(session: Session, table: SealedTable, there: Reencryption, cipher: Cipher) -> int:
    values = _values(there)
    rows = await session.sql.fetch(
        f"{table.left(f'{table.key} AS key, sealed')} ORDER BY {table.key} LIMIT {_BATCH} FOR UPDATE", *values
    )
    resealed = []
    for row in rows:
        context = row["key"].encode()
        plain = cipher.unseal(row["sealed"], context=context)
        resealed.append((row["key"], cipher.seal(plain, nonce=os.urandom(NONCE_BYTES), context=context)))
    await session.sql.executemany(f"UPDATE {table.name} SET sealed = $2 WHERE {table.key} = $1", resealed)
    return len(rows)
