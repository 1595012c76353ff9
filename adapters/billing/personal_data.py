"""What billing keeps about a person: customers that have their address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.postgres.personal_data import has_schema
from adapters.postgres.session import Session
from domain.kernel.personal_data import ERASED, IMPERSONAL, Receipt, Subject

_THEIRS = "lower(email) = $1"


class BillingPersonalData:
    """Customers, in the tenant's own schema: what they bought stays, who they were goes."""

    module = "billing"
    tables: ClassVar[Mapping[str, str]] = {
        "billing_platform_plan": IMPERSONAL,
        "billing_platform_subscription": IMPERSONAL,
        "billing_plan": IMPERSONAL,
        "billing_meter": IMPERSONAL,
        "billing_customer": ERASED,
        "billing_subscription": IMPERSONAL,
        "billing_subscription_revision": IMPERSONAL,
        "billing_line": IMPERSONAL,
        "billing_usage": IMPERSONAL,
        "billing_closed_period": IMPERSONAL,
    }

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Customers with the address."""
        if not await has_schema(session, subject.tenant_id):
            return []
        async with session.acting_as(subject.tenant_id):
            rows = await session.sql.fetch(
                "SELECT id, external_id, name, email, currency, timezone, created_at, updated_at "
                f"FROM billing_customer WHERE {_THEIRS} ORDER BY id",
                subject.address,
            )
        return [{**dict(row), "kind": "customer"} for row in rows]

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Take name, address and external id away; what they bought is kept under an id that names nobody."""
        if not await has_schema(session, subject.tenant_id):
            return Receipt(module=self.module, found=0)
        async with session.acting_as(subject.tenant_id):
            rows = await session.sql.fetch(
                "UPDATE billing_customer SET name = '[erased]', email = '[erased]', external_id = NULL, "
                f"revision = revision + 1 WHERE {_THEIRS} RETURNING id",
                subject.address,
            )
        return Receipt(module=self.module, found=len(rows), erased=len(rows))

    async def left(self, session: Session, subject: Subject) -> int:
        """How many customers have the address."""
        if not await has_schema(session, subject.tenant_id):
            return 0
        async with session.acting_as(subject.tenant_id):
            left: int = await session.sql.fetchval(
                f"SELECT count(*) FROM billing_customer WHERE {_THEIRS}", subject.address
            )
        return left
