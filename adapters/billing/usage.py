"""Usage events in the tenant's schema: kept once each, and counted by PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from adapters.postgres.session import Session
from domain.billing.entitlement_model import Entitled
from domain.billing.ids import SubscriptionId
from domain.billing.metering_errors import UsageConflict, UsageNotFound
from domain.billing.metering_model import Aggregation, Meter
from domain.billing.subscription_model import ClosedPeriod, Counted
from domain.billing.usage_model import Span, UsageEvent

_BATCH = """
SELECT DISTINCT ON (source, id) * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[], $7::jsonb[]
) WITH ORDINALITY AS event (source, id, type, subject, at, timed, data, number) ORDER BY source, id, number
"""
_RECORD = f"""
INSERT INTO billing_usage (source, id, type, subject, at, timed, data, received_at)
SELECT source, id, type, subject, at, timed, data, $8 FROM ({_BATCH}) AS batch
ON CONFLICT (source, id) DO NOTHING
"""
# Whatever of the batch is not what is kept: under its own source and id there is another event now.
_OTHERS = """
SELECT event.source, event.id FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[], $7::jsonb[]
) AS event (source, id, type, subject, at, timed, data)
JOIN billing_usage AS kept USING (source, id)
WHERE (kept.type, kept.subject, kept.data) IS DISTINCT FROM (event.type, event.subject, event.data)
   OR (event.timed AND kept.at <> event.at)
LIMIT 20
"""
# Ties are broken by name and not by arrival: the same events come to the same, however they were sent.
_AGGREGATES = {
    Aggregation.COUNT: "count(*)::numeric",
    Aggregation.SUM: "sum({number})",
    Aggregation.MAX: "max({number})",
    Aggregation.UNIQUE: "count(DISTINCT {text})::numeric",
    Aggregation.LATEST: "(array_agg({number} ORDER BY at DESC, source DESC, id DESC))[1]",
    # Each change of the level counts for the part of the span that it lasts; those before it for all of it.
    Aggregation.WEIGHTED_SUM: """round(sum({number} * extract(epoch FROM $4 - greatest(at, $3)))
        / extract(epoch FROM $4 - $3), 12)""",
}
_NONE = Decimal(0)


class PostgresUsage:
    """See `domain.billing.ports.UsageLog`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def record(self, events: Sequence[UsageEvent], now: datetime) -> int:
        """How many were new. Raises UsageConflict."""
        columns = [
            [event.source for event in events],
            [event.id for event in events],
            [event.type for event in events],
            [event.subject for event in events],
            [event.time or now for event in events],
            [event.time is not None for event in events],
            [event.data for event in events],
        ]
        done = await self._sql.execute(_RECORD, *columns, now)
        recorded = int(done.rpartition(" ")[2])
        if recorded < len(events):
            others = await self._sql.fetch(_OTHERS, *columns)
            if others:
                raise UsageConflict(events=[dict(row) for row in others])
        return recorded

    async def void(self, source: str, id_: str, reason: str, now: datetime) -> None:
        """Once; again changes nothing. Raises UsageNotFound."""
        found = await self._sql.fetchval(
            "UPDATE billing_usage SET voided_at = coalesce(voided_at, $3), void_reason = coalesce(void_reason, $4) "
            "WHERE source = $1 AND id = $2 RETURNING true",
            source,
            id_,
            now,
            reason,
        )
        if not found:
            raise UsageNotFound(source=source, id=id_)

    async def unknown_subjects(self, subjects: Collection[str]) -> list[str]:
        """Those that are no customer's."""
        rows = await self._sql.fetch(
            "SELECT subject FROM unnest($1::text[]) AS subject WHERE NOT EXISTS "
            "(SELECT FROM billing_customer WHERE id = subject OR external_id = subject OR usage_subjects @> "
            "ARRAY[subject]) ORDER BY subject",
            list(subjects),
        )
        return [row["subject"] for row in rows]

    async def count(
        self,
        meter: Meter,
        filters: Mapping[str, Sequence[str]],
        group_by: Sequence[str],
        subjects: Sequence[str],
        span: Span,
        *,
        one_by_one: bool,
    ) -> list[Counted]:
        """What the meter counts in this time, for each group."""
        if span.start >= span.end:
            return [] if group_by else [Counted(quantity=_NONE)]
        query = _Query(list(subjects), meter.event_type, span.start, span.end)
        where = ["subject = ANY ($1)", "type = $2", "at < $4", "voided_at IS NULL"]
        where.append("$3::timestamptz IS NOT NULL" if meter.aggregation is Aggregation.WEIGHTED_SUM else "at >= $3")
        for name, allowed in filters.items():
            where.append(f"data ->> {query.place(name)} = ANY ({query.place(list(allowed))})")
        text = f"data ->> {query.place(meter.property)}" if meter.property else ""
        number = f"({text})::numeric"
        counted = _AGGREGATES[meter.aggregation].format(text=text, number=number)
        each = f"array_agg({number} ORDER BY at, source, id)" if one_by_one else "NULL"
        groups = [f"coalesce(data ->> {query.place(name)}, '')" for name in group_by]
        places = ", ".join(str(number) for number in range(1, len(groups) + 1))
        grouped = f"GROUP BY {places} ORDER BY {places}" if groups else ""
        rows = await self._sql.fetch(
            f"SELECT {', '.join([*groups, counted, each])} FROM billing_usage WHERE {' AND '.join(where)} {grouped}",
            *query.values,
        )
        return [
            Counted(
                group=dict(zip(group_by, row[: len(groups)], strict=True)),
                # What was corrected to less than nothing is nothing.
                quantity=max(row[len(groups)] or _NONE, _NONE),
                transactions=tuple(row[len(groups) + 1] or ()) if one_by_one else None,
            )
            for row in map(tuple, rows)
        ]

    async def first_crossed(self, entitled: Entitled, percent: int, now: datetime) -> bool:
        """Whether usage had not been known to reach this share in this period; it is now."""
        first = await self._sql.fetchval(
            "INSERT INTO billing_usage_threshold VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true",
            entitled.subscription_id,
            entitled.feature,
            entitled.period_start,
            percent,
            now,
        )
        return bool(first)

    async def close(self, period: ClosedPeriod) -> None:
        """Insert or replace; looked at by the clock of the database, as usage is received."""
        await self._sql.execute(
            "INSERT INTO billing_closed_period VALUES ($1, $2, $3, $4, now(), $5) ON CONFLICT "
            "(subscription_id, revision) DO UPDATE SET (looked_at, document) = (now(), excluded.document)",
            period.subscription_id,
            period.revision,
            period.period_start,
            period.period_end,
            period.model_dump(mode="json"),
        )

    async def to_look_at(
        self, subscription_id: SubscriptionId, subjects: Sequence[str], since: datetime
    ) -> list[ClosedPeriod]:
        """The last one, and those for which something came after they were closed.

        Ten minutes are for transactions that began before a look and ended after it.
        """
        rows = await self._sql.fetch(
            "SELECT document FROM billing_closed_period AS period "
            "WHERE subscription_id = $1 AND period_end > $3 AND (revision = "
            "(SELECT max(revision) FROM billing_closed_period WHERE subscription_id = $1) OR EXISTS "
            "(SELECT FROM billing_usage WHERE subject = ANY ($2) AND coalesce(voided_at, received_at) - at > '1 hour' "
            "AND coalesce(voided_at, received_at) > period.looked_at - interval '10 minutes' "
            "AND at >= period.period_start AND at < period.period_end)) ORDER BY revision",
            subscription_id,
            list(subjects),
            since,
        )
        return [ClosedPeriod.model_validate(row["document"]) for row in rows]


class _Query:
    """The values of a statement, and their places in it."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def place(self, value: Any) -> str:
        """Where this value is: $7, $8, ..."""
        self.values.append(value)
        return f"${len(self.values)}"
