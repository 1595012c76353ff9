"""What analytics keeps about a person: its lake has a copy of every event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from adapters.analytics.event_lake import EventLake
from adapters.postgres.session import Session
from domain.kernel.personal_data import IMPERSONAL, Receipt, Subject


class AnalyticsPersonalData:
    """The lake's files are none of PostgreSQL's transaction: they are written anew, and the old ones deleted.

    personal: the personal fields of each event type that has any.
    """

    module = "analytics"
    tables: ClassVar[Mapping[str, str]] = dict.fromkeys(("analytics_dashboard", "analytics_event_count"), IMPERSONAL)

    def __init__(self, lake: EventLake, personal: Mapping[str, Sequence[str]]) -> None:
        self._lake, self._personal = lake, personal

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Events in the lake that name the person; their text is in the event store's part."""
        if not await self._lake.ready(session, subject.tenant_id):
            return []
        named = await self._lake.naming(subject.tenant_id, subject.address, self._personal)
        return [{"kind": "event_in_lake", "id": id_, "type": kind} for id_, kind in named]

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Blank the fields, and forget the snapshots in which they were not."""
        blanked = 0
        if await self._lake.ready(session, subject.tenant_id):
            blanked = await self._lake.blank(subject.tenant_id, subject.address, self._personal)
        return Receipt(module=self.module, found=blanked, erased=blanked)

    async def left(self, session: Session, subject: Subject) -> int:
        """Events in the lake that name the person still."""
        return len(await self.find(session, subject))
