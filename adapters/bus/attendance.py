"""Whether a reader needs to be told that there are events: not while it has promised to look again by itself.

A reader that finds more than it was told about stays and looks again and again, and says so beside its cursor. It
takes the promise back before its last look. So whoever saw the promise after an event was final can be silent about
that event, and a busy reader costs no signal at all. A reader that crashed is tried again by its workflow, and looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from adapters.postgres.session import Session
from domain.bus.event import Position
from domain.kernel.ids import TenantId

Targets = dict[tuple[str, TenantId], Position]

# If a reader's workflow is terminated while it stays, so long nobody is told to read in its place.
PROMISE = timedelta(seconds=5)

_UNATTENDED = """
SELECT target.place - 1 AS place
FROM unnest($1::text[], $2::text[], $3::xid8[], $4::bigint[]) WITH ORDINALITY
     AS target (subscription, tenant_id, xid, seq, place)
LEFT JOIN bus_cursor AS reader USING (subscription, tenant_id)
WHERE reader.subscription IS NULL
   OR reader.attended_until <= clock_timestamp() AND (reader.xid, reader.seq) < (target.xid, target.seq)
"""


async def unattended(session: Session, targets: Mapping[tuple[str, TenantId], Position]) -> Targets:
    """The readers among these that do not know yet: neither there already nor about to look."""
    readers, positions = list(targets), list(targets.values())
    rows = await session.sql.fetch(
        _UNATTENDED,
        [name for name, _ in readers],
        [tenant for _, tenant in readers],
        [position.xid for position in positions],
        [position.seq for position in positions],
    )
    return {readers[row["place"]]: positions[row["place"]] for row in rows}
