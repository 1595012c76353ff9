"""Finds threats in what was recorded: one reader, whose place moves in the transaction that keeps what it found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import Database
from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from adapters.security.threats import PostgresDetectionRules, PostgresThreats
from adapters.telemetry.metrics import DETECTION_RECORDS, THREATS
from domain.bus.event import START, EventId, Position
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.commands import ThreatsDetected, ThreatToFollow
from domain.security.correlation import LONGEST, MOST_HITS, Correlation, Hit
from domain.security.detection import (
    MOST_EVIDENCE,
    Answer,
    Detections,
    LogRecord,
    audit_record,
    built_in,
    event_record,
    who,
)
from domain.security.errors import DetectionRuleInvalid
from domain.security.events import ThreatDetected
from domain.security.events import ThreatResponse as Answered
from domain.security.ids import ThreatId
from domain.security.rule_index import Compiled
from domain.security.threat_model import Threat

BATCH, _TO_FOLLOW = 500, 100
MOST_OPEN = 100
log = structlog.get_logger(__name__)
_TRIED, _MOST_MATCHES = 5_000, 200
_LOCK = "security_detection"
_FENCED = "xid < pg_snapshot_xmin(pg_current_snapshot())"


@dataclass(frozen=True, slots=True)
class Source:
    """A table that is read from a place on, in the order in which its transactions became final."""

    reader: str
    query: str
    newest: str
    record: Callable[[Any], LogRecord]


SOURCES = (
    Source(
        "security.detection.events",
        f"SELECT xid, seq AS n, id, timestamp AS at, tenant_id, type, data FROM events "
        f"WHERE (xid, seq) > ($1::xid8, $2::bigint) AND {_FENCED} AND type <> ALL($4) ORDER BY xid, seq LIMIT $3",
        "SELECT id, timestamp AS at, tenant_id, type, data FROM events WHERE tenant_id = $1 AND timestamp > $2 "
        f"AND type <> ALL($3) ORDER BY xid DESC, seq DESC LIMIT {_TRIED}",
        lambda row: event_record(row["id"], row["at"], _tenant(row), row["type"], row["data"]),
    ),
    Source(
        "security.detection.audit",
        "SELECT xid, n, id, at, tenant_id, actor_kind, actor_id, action, resource, outcome, details "
        f"FROM security_audit WHERE (xid, n) > ($1::xid8, $2::bigint) AND {_FENCED} AND action <> ALL($4) "
        "ORDER BY xid, n LIMIT $3",
        "SELECT id, at, tenant_id, actor_kind, actor_id, action, resource, outcome, details FROM security_audit "
        f"WHERE tenant_id = $1 AND at > $2 AND action <> ALL($3) ORDER BY id DESC LIMIT {_TRIED}",
        lambda row: audit_record(row["id"], row["at"], _tenant(row), row),
    ),
)
# What detection itself says must not set it off again, and audit records are read where they are.
_OWN = ["security.threat.detected", "security.audit.logged", "security.detect_threat"]


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that fired, and the records it did for, oldest first."""

    answer: Answer
    tenant: TenantId | None
    group: tuple[str, ...]
    last: LogRecord
    records: Sequence[tuple[Any, str]]


async def unread_seconds(session: Session) -> float:
    """Age of the oldest record that no rule has looked at yet; 0 if they have seen all."""
    oldest = 0.0
    for source, table, at, number, kind in (
        (SOURCES[0], "events", "recorded_at", "seq", "type"),
        (SOURCES[1], "security_audit", "at", "n", "action"),
    ):
        place = await session.sql.fetchrow("SELECT xid, seq FROM bus_reader WHERE name = $1", source.reader)
        seconds = await session.sql.fetchval(
            f"SELECT coalesce(extract(epoch FROM clock_timestamp() - min({at})), 0)::float8 FROM {table} "
            f"WHERE (xid, {number}) > ($1::xid8, $2::bigint) AND {kind} <> ALL($3)",
            *((place["xid"], place["seq"]) if place else START),
            _OWN,
        )
        oldest = max(oldest, seconds)
    return oldest


class PostgresThreatDetector:
    """See `domain.security.threat_ports.ThreatDetector`."""

    def __init__(self, database: Database, *, most_open: int = MOST_OPEN) -> None:
        """most_open: threats of one rule that a tenant has at a time."""
        self._database, self._most_open = database, most_open
        self._own: dict[tuple[TenantId, tuple[str, ...]], Detections | None] = {}

    async def detect(self, *, heartbeat: Callable[..., None]) -> ThreatsDetected:
        """Everything that was recorded since, and the threats whose processes have to begin."""
        read = 0
        for source in SOURCES:
            while True:
                records = await self._database.run(None, partial(self._batch, source=source))
                read += records
                DETECTION_RECORDS.inc(records)
                heartbeat(read)
                if records < BATCH:
                    break
        waiting = await self._database.run(None, self._end)
        return ThreatsDetected(
            records=read, follow=tuple(ThreatToFollow(tenant_id=tenant, threat_id=id_) for tenant, id_ in waiting)
        )

    async def trial(
        self, tenant: TenantId, detections: Detections
    ) -> tuple[int, list[tuple[LogRecord, tuple[str, ...]]]]:
        """What these rules say of a tenant's newest records, a day and some thousands at most: how many, and which."""

        async def look(session: Session) -> list[LogRecord]:
            records: list[LogRecord] = []
            for source in SOURCES:
                rows = await session.sql.fetch(source.newest, tenant, utc_now() - LONGEST, _OWN)
                records += map(source.record, rows)
            return sorted(records, key=lambda record: (record.at, record.id))

        records = await self._database.run(None, look)
        return len(records), _tried(detections, records)[:_MOST_MATCHES]

    async def _end(self, session: Session) -> list[tuple[TenantId | None, ThreatId]]:
        await session.sql.execute("DELETE FROM security_detection_hit WHERE at < $1", utc_now() - LONGEST)
        return await PostgresThreats(session).to_follow(limit=_TO_FOLLOW)

    async def _batch(self, session: Session, source: Source) -> int:
        await hold(session, _LOCK)
        place = await session.sql.fetchrow("SELECT xid, seq FROM bus_reader WHERE name = $1", source.reader)
        after = (place["xid"], place["seq"]) if place else START
        rows = await session.sql.fetch(source.query, *after, BATCH, _OWN)
        if not rows:
            return 0
        own: dict[TenantId, Detections | None] = {}
        for record in map(source.record, rows):
            if record.tenant_id is not None and record.tenant_id not in own:
                own[record.tenant_id] = await self._rules_of(session, record.tenant_id)
            theirs = own.get(record.tenant_id) if record.tenant_id else None
            for detections in (built_in(), *([theirs] if theirs else [])):
                for found in await self._look(session, detections, record):
                    await _keep(session, found, most_open=self._most_open)
        await session.sql.execute(
            "INSERT INTO bus_reader (name, xid, seq) VALUES ($1, $2, $3) "
            "ON CONFLICT (name) DO UPDATE SET (xid, seq, updated_at) = (excluded.xid, excluded.seq, now())",
            source.reader,
            *Position(rows[-1]["xid"], rows[-1]["n"]),
        )
        return len(rows)

    async def _rules_of(self, session: Session, tenant: TenantId) -> Detections | None:
        texts = tuple(rule.text for rule in await PostgresDetectionRules(session).all(tenant))
        if (tenant, texts) not in self._own:
            self._own = {key: value for key, value in self._own.items() if key[0] != tenant}
            self._own[tenant, texts] = _usable(texts)
        return self._own[tenant, texts]

    async def _look(self, session: Session, detections: Detections, record: LogRecord) -> list[Found]:
        found: list[Found] = []
        for rule in detections.rules.matching(record.category, record.fields):
            correlations = detections.correlated(rule)
            if not correlations:
                # Of one rule and one actor there is one threat at a time, however often it fires.
                group = (str(next((each for each in who(record.fields) if each), "")),)
                one = [(record.at, record.id)]
                found.append(Found(detections.answers[rule.id], record.tenant_id, group, record, one))
            for each in correlations:
                fired = await _correlate(session, each, detections.answers[each.id], rule, record)
                found += [fired] if fired else []
        return found


async def _correlate(
    session: Session, rule: Correlation, answer: Answer, base: Compiled, record: LogRecord
) -> Found | None:
    group = rule.group(base, record.fields)
    if group is None:
        return None
    tenant = None if answer.everywhere else record.tenant_id
    key = (rule.id, tenant or "", list(group))
    await session.sql.execute(
        'INSERT INTO security_detection_hit (rule_id, tenant_id, "group", at, record_id, base_rule, value) '
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        *key,
        record.at,
        record.id,
        base.id,
        rule.value(base, record.fields),
    )
    # Events of several processes become final in another order than they happened in: look both ways.
    rows = await session.sql.fetch(
        "SELECT at, base_rule, record_id, value FROM security_detection_hit WHERE rule_id = $1 AND tenant_id = $2 "
        f'AND "group" = $3 AND at > $4 AND at <= $5 ORDER BY at DESC, record_id DESC LIMIT {MOST_HITS}',
        *key,
        record.at - rule.timespan,
        record.at + timedelta(seconds=5),
    )
    hits = [Hit(row["at"], row["base_rule"], row["record_id"], row["value"]) for row in reversed(rows)]
    if not rule.fires(hits):
        return None
    return Found(answer, tenant, group, record, [(hit.at, hit.record_id) for hit in hits])


async def _keep(session: Session, found: Found, *, most_open: int) -> None:
    threats, answer = PostgresThreats(session), found.answer
    there = await threats.open_like(answer.rule_id, found.tenant, found.group)
    evidence = [record_id for _, record_id in found.records]
    if there is not None:
        known = [*there.evidence, *(each for each in evidence if each not in there.evidence)]
        seen = {
            "last_seen_at": max(there.last_seen_at, found.last.at),
            "records": there.records + 1,
            "evidence": tuple(known[-MOST_EVIDENCE:]),
        }
        await threats.put(there.model_copy(update=seen))
        return
    if await threats.open_of(answer.rule_id, found.tenant) >= most_open:
        # A rule that finds so many says nothing more, and each of them is mailed.
        log.warning("threat.too_many", rule=answer.rule_id, tenant=found.tenant)
        return
    actor, user, network = who(found.last.fields)
    threat = Threat(
        id=new_id(ThreatId),
        tenant_id=found.tenant,
        rule_id=answer.rule_id,
        title=answer.title,
        kind=answer.kind,
        severity=answer.severity,
        confidence=answer.confidence,
        group=found.group,
        actor_id=actor,
        user_id=user,
        client_network=network,
        first_seen_at=found.records[0][0],
        last_seen_at=found.last.at,
        records=len(evidence),
        evidence=tuple(evidence[-MOST_EVIDENCE:]),
        respond=answer.respond,
        ban_minutes=answer.ban_minutes,
        approval=answer.approval,
    )
    await threats.put(threat)
    session.append(
        ThreatDetected(
            threat_id=threat.id,
            kind=threat.kind,
            severity=threat.severity,
            confidence=threat.confidence,
            rule=threat.rule_id,
            actor_id=threat.actor_id,
            client_network=threat.client_network,
            first_seen_at=threat.first_seen_at,
            evidence=tuple(EventId(each) for each in threat.evidence if each.startswith(f"{EventId.prefix}_")),
            response=Answered.NONE,
            occurred_at=utc_now(),
        ),
        tenant=threat.tenant_id,
    )
    details = {"rule": threat.rule_id, "kind": threat.kind.value, "severity": threat.severity.value}
    session.record(
        AuditEntry(tenant_id=threat.tenant_id, action="security.detect_threat", resource=threat.id, details=details)
    )
    THREATS.labels(threat.kind, threat.severity).inc()


def _tried(detections: Detections, records: Iterable[LogRecord]) -> list[tuple[LogRecord, tuple[str, ...]]]:
    """The records that rules fire for, and which do; hits are counted in memory."""
    windows: defaultdict[tuple[str, tuple[str, ...]], list[Hit]] = defaultdict(list)
    found = []
    for record in records:
        titles = []
        for rule in detections.rules.matching(record.category, record.fields):
            correlations = detections.correlated(rule)
            titles += [] if correlations else [rule.title]
            for each in correlations:
                group = each.group(rule, record.fields)
                if group is None:
                    continue
                window = windows[each.id, group]
                window.append(Hit(record.at, rule.id, record.id, each.value(rule, record.fields)))
                window[:] = [hit for hit in window if hit.at > record.at - each.timespan][-MOST_HITS:]
                titles += [each.title] if each.fires(window) else []
        if titles:
            found.append((record, tuple(titles)))
    return found


def _usable(texts: Iterable[str]) -> Detections | None:
    """They were good when they were written; a release may take less than the one before."""
    found = list(texts)
    try:
        return Detections(found, own=True) if found else None
    except DetectionRuleInvalid:
        return None


def _tenant(row: Any) -> TenantId | None:
    return TenantId(row["tenant_id"]) if row["tenant_id"] else None
