"""A tenant's audit trail as a log that cannot be rewritten unnoticed: what is hashed, and what a check may find."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import rfc8785

from domain.kernel.ids import Id, TenantId
from domain.kernel.payload import Payload
from domain.security.errors import NotCanonical

PLATFORM_LOG = "platform"
"""The log of what no tenant owns."""
FIRST_LINK = bytes(32)
"""What the first link of a hash chain is made with."""

_FIELDS = ("id", "tenant_id", "actor_kind", "actor_id", "action", "resource", "outcome", "request_id", "correlation_id")


class AuditVerificationId(Id, prefix="avf"):
    """One check of a log."""


class Flaw(StrEnum):
    """What is wrong with a log."""

    CHANGED = "changed"
    DELETED = "deleted"
    INSERTED = "inserted"
    CHAIN_BROKEN = "chain_broken"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"
    CHECKPOINT_FORGED = "checkpoint_forged"


class Finding(Payload):
    """One flaw, at which place of the log, in which record, and why we think so."""

    flaw: Flaw
    index: int | None = None
    record_id: str | None = None
    reason: str


class VerifyAudit(Payload):
    """Check a tenant's log, or the platform's; `notes` are checkpoints that were kept elsewhere."""

    tenant_id: TenantId | None
    notes: tuple[str, ...] = ()


class AuditVerification(Payload):
    """What a check found. `findings` holds the first hundred, `flaws` counts them all."""

    records: int
    unsealed: int
    checkpoints: int
    flaws: int
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.flaws == 0


class SealAudit(Payload):
    """Seal what there is, in every log."""


class Sealed(Payload):
    """How many records were sealed and how many checkpoints were signed."""

    records: int
    checkpoints: int


class AuditCheckpoint(Payload):
    """A signed statement of what a log was when it had this many records."""

    size: int
    at: datetime
    note: str


class InclusionProof(Payload):
    """That a record is in the log of a checkpoint; hashes in base64 (RFC 9162, section 2.1.3)."""

    record_id: str
    record: str
    index: int
    size: int
    leaf_hash: str
    root_hash: str
    path: tuple[str, ...]


class ConsistencyProof(Payload):
    """That a log of `second` records begins with the one of `first`; hashes in base64 (RFC 9162, section 2.1.4)."""

    first: int
    second: int
    first_root_hash: str
    second_root_hash: str
    path: tuple[str, ...]


def canonical(record: Mapping[str, Any]) -> bytes:
    """A record as it is hashed: canonical JSON (RFC 8785), the instant in UTC with microseconds.

    Raises NotCanonical for details that have no canonical form, such as integers beyond 2^53.
    """
    at: datetime = record["at"]
    content = {name: record[name] for name in _FIELDS} | {
        "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "details": record["details"],
    }
    return in_canonical_form(content)


def in_canonical_form(content: dict[str, Any]) -> bytes:
    """JSON in the one way in which everyone writes it (RFC 8785). Raises NotCanonical."""
    try:
        return rfc8785.dumps(content)
    except rfc8785.CanonicalizationError as error:
        raise NotCanonical(str(error)) from error


def link(previous: bytes, leaf: bytes) -> bytes:
    """The next head of the hash chain."""
    return hashlib.sha256(previous + leaf).digest()


def origin_of(tenant: TenantId | None) -> str:
    """The name of a log in its checkpoints."""
    return f"harborgrid/audit/{tenant or PLATFORM_LOG}"
