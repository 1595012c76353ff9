"""Encrypts every workflow payload under its tenant's data key; Temporal stores ciphertext only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Self

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from adapters.security.keyring import PLATFORM_KEYS
from domain.kernel.ids import TenantId
from domain.security.envelope import NONCE_BYTES, seal, unseal
from domain.security.ports import KeyRing

ENCODING = b"binary/harborgrid-aes256gcm"


class TenantCodec(PayloadCodec, WithSerializationContext):
    """AES-256-GCM; the tenant is read off the workflow id (`<tenant>/...`), the key id travels with the payload."""

    def __init__(self, keys: KeyRing, tenant: str = PLATFORM_KEYS) -> None:
        self._keys, self._tenant = keys, tenant

    def with_context(self, context: SerializationContext) -> Self:
        """This codec for the tenant that owns the workflow."""
        if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return type(self)(self._keys, owner_of(context.workflow_id))
        return self

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt."""
        key_id, key = await self._keys.active(self._tenant)
        return [self._seal(payload, key_id, key) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what we encrypted; leave the rest alone. Raises DataKeyNotFound, Undecipherable."""
        return [await self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload, key_id: str, key: bytes) -> Payload:
        sealed = seal(key, payload.SerializeToString(), nonce=os.urandom(NONCE_BYTES), context=key_id.encode())
        return Payload(metadata={"encoding": ENCODING, "key-id": key_id.encode()}, data=sealed)

    async def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata["key-id"].decode()
        plain = unseal(await self._keys.key(key_id), payload.data, context=key_id.encode())
        return Payload.FromString(plain)


def owner_of(workflow_id: str | None) -> str:
    """The tenant in a workflow id, or the platform."""
    owner = (workflow_id or "").split("/", 1)[0]
    try:
        return TenantId.parse(owner)
    except ValueError:
        return PLATFORM_KEYS
