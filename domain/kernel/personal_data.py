"""What is kept about a person, module by module: found for an export, erased for good, or kept for a reason."""

from __future__ import annotations

from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload

ERASED = "erased"
"""Of a table: rows about a person go when the person is erased."""
IMPERSONAL = "impersonal"
"""Of a table: it says nothing about people but by ids, which name nobody once the account is gone."""


class Subject(Payload):
    """The person: by address (as `address_key` has it) and, if they are or were a member, by id."""

    tenant_id: TenantId
    address: str
    user_id: UserId | None


class Kept(Payload):
    """What is not erased, how much of it, and why (GDPR, Article 17(3))."""

    what: str
    count: int
    why: str


class Receipt(Payload):
    """What a module has found about the subject, how much of that it has erased, and what it keeps."""

    module: str
    found: int
    erased: int = 0
    kept: tuple[Kept, ...] = ()
