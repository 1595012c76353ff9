"""What automation keeps about a person: who asked for their organisation to be brought on board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.postgres.session import Session
from domain.kernel.personal_data import ERASED, Kept, Receipt, Subject

_THEIRS = "tenant_id = $1 AND lower(owner_email) = $2"


class AutomationPersonalData:
    """Onboardings: the row is the contract's, the person's name and address in it are not."""

    module = "workflow"
    tables: ClassVar[Mapping[str, str]] = {"automation_onboarding": ERASED}

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """The tenant's onboarding, if this person asked for it."""
        rows = await session.sql.fetch(
            f"SELECT id, owner_name, owner_email, requested_at, status FROM automation_onboarding WHERE {_THEIRS}",
            subject.tenant_id,
            subject.address,
        )
        return [{"kind": "onboarding", **dict(row)} for row in rows]

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Blank name and address."""
        rows = await session.sql.fetch(
            "UPDATE automation_onboarding SET owner_name = '[erased]', owner_email = '[erased]' "
            f"WHERE {_THEIRS} RETURNING id",
            subject.tenant_id,
            subject.address,
        )
        histories = Kept(
            what="workflow histories",
            count=1,
            why="encrypted under the tenant's data key; Temporal deletes them when the namespace's retention is over",
        )
        return Receipt(module=self.module, found=len(rows), erased=len(rows), kept=(histories,) if rows else ())

    async def left(self, session: Session, subject: Subject) -> int:
        """How many name the person still."""
        left: int = await session.sql.fetchval(
            f"SELECT count(*) FROM automation_onboarding WHERE {_THEIRS}", subject.tenant_id, subject.address
        )
        return left
