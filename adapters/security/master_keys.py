"""The master keys, which wrap the data keys: in a file, or in AWS KMS, or on their way from one to the other."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.settings import BadConfiguration, Settings
from domain.security.envelope import KEY_BYTES, NONCE_BYTES, seal, unseal
from domain.security.errors import MasterKeyUnavailable
from domain.security.ports import KeyManagement

_ROOT = {"purpose": "root-secret"}


class FileKeys:
    """Master keys in a file, a line each: the last one wraps, and each opens what it wrapped."""

    def __init__(self, keys: list[bytes]) -> None:
        self.keys = {_id_of(key): key for key in keys}
        self.oldest, self.master_key_id = _id_of(keys[0]), _id_of(keys[-1])

    @classmethod
    def read(cls, path: Path) -> FileKeys:
        """Each line is 32 bytes in base64. Raises BadConfiguration if the file is missing, or is something else."""
        try:
            lines = path.read_text().split()
            keys = [base64.b64decode(line, validate=True) for line in lines]
        except FileNotFoundError:
            raise BadConfiguration(
                f"HARBORGRID_MASTER_KEY_FILE: {path} does not exist; `harborgrid up` makes one, "
                "or write `openssl rand -base64 32` to it"
            ) from None
        except (binascii.Error, ValueError):
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise BadConfiguration(
                f"HARBORGRID_MASTER_KEY_FILE: each line of {path} must hold {KEY_BYTES} bytes in base64"
            )
        return cls(keys)

    async def wrap(self, key: bytes, *, context: Mapping[str, str]) -> bytes:
        """See `domain.security.ports.KeyManagement`."""
        return seal(self.keys[self.master_key_id], key, nonce=os.urandom(NONCE_BYTES), context=_bytes(context))

    async def unwrap(self, wrapped: bytes, *, master_key_id: str | None, context: Mapping[str, str]) -> bytes:
        """See `domain.security.ports.KeyManagement`. Keys that were wrapped before ids were kept: the oldest did it."""
        key = self.keys.get(master_key_id or self.oldest)
        if key is None:
            raise MasterKeyUnavailable(f"{master_key_id} is not in the master key file", master_key_id=master_key_id)
        return unseal(key, wrapped, context=_bytes(context))


class MasterKeys:
    """One that wraps, and others that open what they wrapped before."""

    def __init__(self, wrapping: KeyManagement, file: FileKeys | None) -> None:
        self._wrapping, self.file = wrapping, file

    @property
    def master_key_id(self) -> str:
        """The one that wraps today."""
        return self._wrapping.master_key_id

    async def wrap(self, key: bytes, *, context: Mapping[str, str]) -> bytes:
        """See `domain.security.ports.KeyManagement`."""
        return await self._wrapping.wrap(key, context=context)

    async def unwrap(self, wrapped: bytes, *, master_key_id: str | None, context: Mapping[str, str]) -> bytes:
        """See `domain.security.ports.KeyManagement`."""
        if master_key_id is not None and not master_key_id.startswith("file/"):
            return await self._wrapping.unwrap(wrapped, master_key_id=master_key_id, context=context)
        if self.file is None:
            raise MasterKeyUnavailable(
                "it is wrapped by a key in a file, and there is none", master_key_id=master_key_id
            )
        return await self.file.unwrap(wrapped, master_key_id=master_key_id, context=context)


def master_keys(settings: Settings) -> MasterKeys:
    """Those that the settings name. Raises BadConfiguration."""
    if not settings.kms_key:
        file = FileKeys.read(settings.master_key_path)
        return MasterKeys(file, file)
    from adapters.security.aws_kms import AwsKms  # noqa: PLC0415 - only where it is chosen

    # What a file wrapped before is opened as long as the file is there.
    there = settings.master_key_path.exists()
    return MasterKeys(
        AwsKms(settings.kms_key, settings.kms_endpoint), FileKeys.read(settings.master_key_path) if there else None
    )


def ensure_master_key(path: Path) -> None:
    """Make a master key on first use, readable by the owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")


async def root_secret(database: Database, keys: MasterKeys) -> bytes:
    """The 32 bytes that the platform's other keys are derived from; made on first use, kept wrapped.

    It stays the same when the master key changes, so signatures, links and hashes do. Raises MasterKeyUnavailable,
    Undecipherable.
    """

    async def look(session: Session) -> tuple[bytes, str] | None:
        row = await session.sql.fetchrow("SELECT wrapped, master_key_id FROM security_root_secret")
        return (row["wrapped"], row["master_key_id"]) if row else None

    found = await database.run(None, look)
    if found is None:
        fresh = await _first_root(database, keys)
        wrapped = await keys.wrap(fresh, context=_ROOT)
        await database.run(
            None,
            lambda session: session.sql.execute(
                "INSERT INTO security_root_secret (id, master_key_id, wrapped) VALUES (1, $1, $2) "
                "ON CONFLICT (id) DO NOTHING",
                keys.master_key_id,
                wrapped,
            ),
        )
        # Processes that start at the same time agree on one.
        found = await database.run(None, look)
        assert found is not None
    return await keys.unwrap(found[0], master_key_id=found[1], context=_ROOT)


async def _first_root(database: Database, keys: MasterKeys) -> bytes:
    # Where data keys are older than root secrets, everything was derived from the master key itself.
    before = await database.run(
        None,
        lambda session: session.sql.fetchval(
            "SELECT EXISTS (SELECT FROM security_data_key WHERE master_key_id IS NULL)"
        ),
    )
    if before and keys.file is not None:
        return keys.file.keys[keys.file.oldest]
    return os.urandom(KEY_BYTES)


async def rewrap_root_secret(session: Session, keys: MasterKeys) -> bool:
    """Bring it under the master key that wraps today; whether it was under another."""
    row = await session.sql.fetchrow("SELECT wrapped, master_key_id FROM security_root_secret FOR UPDATE")
    if row is None or row["master_key_id"] == keys.master_key_id:
        return False
    secret = await keys.unwrap(row["wrapped"], master_key_id=row["master_key_id"], context=_ROOT)
    await session.sql.execute(
        "UPDATE security_root_secret SET (master_key_id, wrapped) = ($1, $2)",
        keys.master_key_id,
        await keys.wrap(secret, context=_ROOT),
    )
    return True


def _id_of(key: bytes) -> str:
    return "file/" + hashlib.sha256(b"harborgrid master key/" + key).hexdigest()[:16]


def _bytes(context: Mapping[str, str]) -> bytes:
    return "/".join(context.values()).encode()
