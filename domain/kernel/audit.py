"""What is remembered of a security-relevant action: who did what to which thing, and how it ended."""

from enum import StrEnum
from typing import Any

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload


class Outcome(StrEnum):
    """How the action ended."""

    ALLOWED = "allowed"
    DENIED = "denied"


class AuditEntry(Payload):
    """One action. Actor, request and correlation ids come from the context it runs in.

    action: `module.verb` (`security.reveal_api_key`); resource: the id it was done to;
    details: further facts, never a secret.
    """

    tenant_id: TenantId | None
    action: str
    resource: str
    outcome: Outcome = Outcome.ALLOWED
    details: dict[str, Any] = {}
