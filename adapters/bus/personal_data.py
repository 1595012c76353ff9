"""What the event store keeps about a person: what they did, by id, and the fields that event types mark as personal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.postgres.session import Session
from domain.bus.event import personal_fields
from domain.catalogue import CATALOGUE
from domain.kernel.personal_data import ERASED, IMPERSONAL, Kept, Receipt, Subject

PERSONAL: Mapping[str, list[str]] = {
    kind.about.type: list(fields) for kind in CATALOGUE if (fields := personal_fields(kind))
}
"""The personal fields of each event type that has any."""
_NAMING = (
    "SELECT id, type, data FROM events WHERE tenant_id = $1 AND type = ANY($2::text[]) AND EXISTS "
    "(SELECT FROM unnest($2::text[], $3::text[]) AS personal (type, field) "
    "WHERE personal.type = events.type AND lower(data ->> personal.field) = $4) ORDER BY xid, seq"
)
_COUNT = "SELECT count(*) FROM events WHERE tenant_id = $1 AND user_id = $2"
_DONE = "SELECT id, type, timestamp FROM events WHERE tenant_id = $1 AND user_id = $2 ORDER BY xid, seq"


class BusPersonalData:
    """Events are facts of the business: fields that name the person are blanked, the rest stays."""

    module = "bus"
    tables: ClassVar[Mapping[str, str]] = {
        "events": ERASED,
        **dict.fromkeys(("bus_cursor", "bus_parked", "bus_reader"), IMPERSONAL),
    }

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Events that name the person, and those that tell what they did."""
        naming = await self._naming(session, subject)
        done = await session.sql.fetch(_DONE, subject.tenant_id, subject.user_id)
        return [
            *({"kind": "event", **dict(row)} for row in naming),
            *({"kind": "action", **dict(row)} for row in done),
        ]

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Blank the fields that name the person."""
        naming = await self._naming(session, subject)
        for row in naming:
            await session.sql.execute("SELECT blank_event($1, $2)", row["id"], PERSONAL[row["type"]])
        done = await session.sql.fetchval(_COUNT, subject.tenant_id, subject.user_id)
        kept = Kept(what="events", count=done, why="they say what was done by an id that names nobody any more")
        return Receipt(module=self.module, found=len(naming) + done, erased=len(naming), kept=(kept,) if done else ())

    async def left(self, session: Session, subject: Subject) -> int:
        """Events that name the person still."""
        return len(await self._naming(session, subject))

    async def _naming(self, session: Session, subject: Subject) -> list[Any]:
        pairs = [(kind, field) for kind, fields in PERSONAL.items() for field in fields]
        kinds, fields = zip(*pairs, strict=True)
        return await session.sql.fetch(_NAMING, subject.tenant_id, list(kinds), list(fields), subject.address)
