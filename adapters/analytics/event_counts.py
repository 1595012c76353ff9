"""The projection behind `GET /v1/analytics/event-counts`: events per day and type, in the tenant's schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC

from adapters.postgres.session import Session
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.kernel.ids import TenantId


class EventCounts:
    """Counts every event once. `table` names the live projection or a shadow of it."""

    subscription = Subscription(
        name="analytics.event_counts",
        kind=SubscriptionKind.PROJECTION,
        types=("*",),
        purpose="Counts a tenant's events per day and type.",
    )
    in_transaction = True
    table = "analytics_event_count"

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Whether the tenant has been provisioned: its events from before wait until then."""
        return bool(
            await session.sql.fetchval("SELECT true FROM security_tenant WHERE id = $1 AND status = 'active'", tenant)
        )

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Add them up."""
        assert session is not None
        await self.apply(session, self.table, events)

    async def apply(self, session: Session, table: str, events: Sequence[RecordedEvent]) -> None:
        """Add them up in this table of the current schema."""
        counts = Counter((event.timestamp.astimezone(UTC).date(), event.type) for event in events)
        # In one order everywhere, so that two writers cannot wait for each other in a circle.
        keys = sorted(counts)
        await session.sql.execute(
            f"INSERT INTO {table} AS live (day, type, count) "
            "SELECT * FROM unnest($1::date[], $2::text[], $3::bigint[]) "
            "ON CONFLICT (day, type) DO UPDATE SET count = live.count + excluded.count",
            [day for day, _ in keys],
            [type_ for _, type_ in keys],
            [counts[key] for key in keys],
        )
