"""Data keys per tenant in PostgreSQL, wrapped by a master key from a file."""

from __future__ import annotations

import base64
import binascii
import os
import time
from pathlib import Path

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.settings import BadConfiguration
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.envelope import KEY_BYTES, NONCE_BYTES, seal, unseal
from domain.security.errors import DataKeyNotFound
from domain.security.events import DataKeyRotated
from domain.security.ids import DataKeyId

PLATFORM_KEYS = "platform"
_FRESH_SECONDS = 30.0
FORGOTTEN_SECONDS = 240.0
"""A key that was unwrapped is not remembered for longer: one that is destroyed is gone everywhere soon."""


def read_master_key(path: Path) -> bytes:
    """The 32-byte master key. Raises BadConfiguration if the file is missing or does not hold one."""
    try:
        key = base64.b64decode(path.read_text().strip(), validate=True)
    except FileNotFoundError:
        raise BadConfiguration(
            f"HARBORGRID_MASTER_KEY_FILE: {path} does not exist; `harborgrid up` makes one, "
            "or write `openssl rand -base64 32` to it"
        ) from None
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BadConfiguration(f"HARBORGRID_MASTER_KEY_FILE: {path} must hold {KEY_BYTES} bytes in base64")
    return key


def ensure_master_key(path: Path) -> None:
    """Make a master key on first use, readable by the owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")


class PostgresKeyRing:
    """Keys are remembered for some minutes; a rotation is noticed within half a minute."""

    def __init__(self, database: Database, master_key: bytes) -> None:
        self._database, self._master = database, master_key
        self._keys: dict[str, tuple[bytes, float]] = {}
        self._active: dict[str, tuple[str, float]] = {}

    async def active(self, tenant: str) -> tuple[str, bytes]:
        """The key that encrypts for this tenant today (`platform` for what no tenant owns)."""
        known = self._active.get(tenant)
        if known is None or time.monotonic() - known[1] > _FRESH_SECONDS:
            key_id = await self._database.run(None, lambda session: self._ensure(session, tenant))
            known = self._active[tenant] = (key_id, time.monotonic())
        return known[0], await self.key(known[0])

    async def key(self, key_id: str) -> bytes:
        """Any key. Raises DataKeyNotFound."""
        known = self._keys.get(key_id)
        if known is None or known[1] <= time.monotonic():
            self._keys.pop(key_id, None)
            row = await self._database.run(
                None,
                lambda session: session.sql.fetchrow(
                    "SELECT id, tenant_id, wrapped FROM security_data_key WHERE id = $1", key_id
                ),
            )
            if row is None:
                raise DataKeyNotFound(data_key_id=key_id)
            self._unwrap(row["id"], row["tenant_id"], row["wrapped"])
        return self._keys[key_id][0]

    async def rotate(self, tenant: TenantId) -> DataKeyId:
        """Retire the active key and make a new one; what the old one encrypted stays readable."""

        async def work(session: Session) -> DataKeyId:
            previous = await session.sql.fetchval(
                "UPDATE security_data_key SET retired_at = $2 WHERE tenant_id = $1 AND retired_at IS NULL RETURNING id",
                tenant,
                utc_now(),
            )
            created = DataKeyId(await self._ensure(session, tenant))
            session.append(
                DataKeyRotated(data_key_id=created, previous_data_key_id=previous, occurred_at=utc_now()),
                tenant=tenant,
            )
            session.record(AuditEntry(tenant_id=tenant, action="security.rotate_data_key", resource=created))
            return created

        created = await self._database.run(None, work)
        self._active[tenant] = (created, time.monotonic())
        return created

    async def _ensure(self, session: Session, tenant: str) -> str:
        fresh, key_id = os.urandom(KEY_BYTES), new_id(DataKeyId)
        wrapped = seal(self._master, fresh, nonce=os.urandom(NONCE_BYTES), context=_context(key_id, tenant))
        # Do-nothing on conflict, then read: concurrent first uses agree on one key.
        await session.sql.execute(
            "INSERT INTO security_data_key (id, tenant_id, wrapped, created_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (tenant_id) WHERE retired_at IS NULL DO NOTHING",
            key_id,
            tenant,
            wrapped,
            utc_now(),
        )
        row = await session.sql.fetchrow(
            "SELECT id, wrapped FROM security_data_key WHERE tenant_id = $1 AND retired_at IS NULL", tenant
        )
        assert row is not None
        self._unwrap(row["id"], tenant, row["wrapped"])
        return str(row["id"])

    def _unwrap(self, key_id: str, tenant: str, wrapped: bytes) -> None:
        key = unseal(self._master, wrapped, context=_context(key_id, tenant))
        self._keys[key_id] = (key, time.monotonic() + FORGOTTEN_SECONDS)


def _context(key_id: str, tenant: str) -> bytes:
    return f"data-key/{tenant}/{key_id}".encode()
