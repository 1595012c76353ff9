"""Keys as security knows them, and the work of bringing things under another one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.ids import DataKeyId, ExchangeKeyId, ReencryptionId


class DataKey(Payload):
    """A key that encrypts for one owner; never the key material. emptied_at: only histories are under it still."""

    id: DataKeyId
    owner: str
    master_key_id: str | None
    created_at: datetime
    retired_at: datetime | None = None
    emptied_at: datetime | None = None


class ReencryptionScope(StrEnum):
    """What is brought under another key: an owner's things under a data key, or all data keys under a master key."""

    DATA_KEY = "data_key"
    MASTER_KEY = "master_key"


class Reencryption(Payload):
    """Everything in scope is to be under `key_id`; `done` of `total` things are."""

    id: ReencryptionId
    tenant_id: TenantId | None
    scope: ReencryptionScope
    key_id: str
    requested_at: datetime
    completed_at: datetime | None = None
    done: int = 0
    total: int = 0


class ExchangeKey(Payload):
    """A key pair of a tenant's, whose private half is sealed; or gone, once it is revoked."""

    id: ExchangeKeyId
    tenant_id: TenantId
    name: str
    public: dict[str, Any]
    sealed: bytes | None
    created_at: datetime
    revoked_at: datetime | None = None
