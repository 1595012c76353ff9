"""What notifications keeps about a person: which mails went to their address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.postgres.personal_data import has_schema
from adapters.postgres.session import Session
from domain.kernel.personal_data import ERASED, Receipt, Subject

_THEIRS = "lower(recipient) = $1"


class NotificationsPersonalData:
    """Deliveries, in the tenant's own schema. The mails themselves are kept by nobody."""

    module = "notifications"
    tables: ClassVar[Mapping[str, str]] = {"notifications_delivery": ERASED}

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Deliveries to the address."""
        if not await has_schema(session, subject.tenant_id):
            return []
        async with session.acting_as(subject.tenant_id):
            rows = await session.sql.fetch(
                "SELECT id, purpose, channel, template, recipient, status, created_at, sent_at "
                f"FROM notifications_delivery WHERE {_THEIRS} ORDER BY id",
                subject.address,
            )
        return [{"kind": "delivery", **dict(row)} for row in rows]

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Delete them."""
        if not await has_schema(session, subject.tenant_id):
            return Receipt(module=self.module, found=0)
        async with session.acting_as(subject.tenant_id):
            rows = await session.sql.fetch(
                f"DELETE FROM notifications_delivery WHERE {_THEIRS} RETURNING id", subject.address
            )
        return Receipt(module=self.module, found=len(rows), erased=len(rows))

    async def left(self, session: Session, subject: Subject) -> int:
        """How many there are."""
        if not await has_schema(session, subject.tenant_id):
            return 0
        async with session.acting_as(subject.tenant_id):
            left: int = await session.sql.fetchval(
                f"SELECT count(*) FROM notifications_delivery WHERE {_THEIRS}", subject.address
            )
        return left
