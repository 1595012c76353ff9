"""Gauges that are read off the database."""

from __future__ import annotations

from collections import Counter

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.evidence_rounds import platform_report
from adapters.security.risks import RISKS_IN_REGISTER
from adapters.security.sealing import unsealed_seconds
from adapters.telemetry.metrics import (
    AUDIT_UNSEALED,
    CONTROLS,
    DATABASE_CONNECTIONS,
    DEPENDENCY_SCAN_AGE,
    FENCE_AGE,
    OPEN_RISKS,
    OVERDUE_RISKS,
    PARKED_EVENTS,
    SUBJECT_REQUESTS,
    SUBSCRIPTION_LAG,
)
from domain.bus.ports import EventReader
from domain.security.control_model import Standing
from domain.security.risk_model import RiskLevel, level_of


async def refresh_gauges(database: Database, events: EventReader) -> None:
    """Read them all."""
    FENCE_AGE.set(await events.fence_age_seconds())
    for subscription, parked, behind in await database.run(None, _bus):
        PARKED_EVENTS.labels(subscription).set(parked)
        SUBSCRIPTION_LAG.labels(subscription).set(behind)
    AUDIT_UNSEALED.set(await database.run(None, unsealed_seconds))
    await database.run(None, _risks)
    await database.run(None, _controls)
    await database.run(None, _subject_requests)
    DATABASE_CONNECTIONS.labels("idle").set(database.pool.get_idle_size())
    DATABASE_CONNECTIONS.labels("limit").set(database.pool.get_max_size())
    DATABASE_CONNECTIONS.labels("used").set(database.pool.get_size() - database.pool.get_idle_size())


async def _bus(session: Session) -> list[tuple[str, int, int]]:
    rows = await session.sql.fetch("""
        SELECT c.subscription,
               (SELECT count(*) FROM bus_parked p WHERE p.subscription = c.subscription) AS parked,
               sum((SELECT count(*) FROM events e WHERE e.tenant_id = c.tenant_id AND (e.xid, e.seq) > (c.xid, c.seq)))
                   ::bigint AS behind
        FROM bus_cursor c JOIN security_tenant t ON t.id = c.tenant_id AND t.status = 'active' GROUP BY c.subscription
        UNION ALL
        SELECT subscription, count(*), 0 FROM bus_parked
        WHERE subscription NOT IN (SELECT subscription FROM bus_cursor) GROUP BY subscription
    """)
    return [(row["subscription"], row["parked"], row["behind"]) for row in rows]


async def _risks(session: Session) -> None:
    levels, overdue = Counter[tuple[str, RiskLevel]](), Counter[str]()
    for row in await session.sql.fetch(RISKS_IN_REGISTER):
        levels[row["owner"], level_of(row["likelihood"], row["impact"])] += row["count"]
        overdue[row["owner"]] += row["overdue"]
    for owner in ("platform", "tenants"):
        for level in RiskLevel:
            OPEN_RISKS.labels(owner, level).set(levels[owner, level])
        OVERDUE_RISKS.labels(owner).set(overdue[owner])
    scanned = await session.sql.fetchval("SELECT extract(epoch FROM now() - max(at)) FROM security_dependency_scan")
    DEPENDENCY_SCAN_AGE.set(scanned if scanned is not None else float("inf"))


async def _controls(session: Session) -> None:
    told = await platform_report(session)
    for standing in Standing:
        CONTROLS.labels(standing).set(sum(each.standing is standing for each in told.controls))


async def _subject_requests(session: Session) -> None:
    row = await session.sql.fetchrow(
        "SELECT count(*) FILTER (WHERE due_at >= now()) AS open, count(*) FILTER (WHERE due_at < now()) AS overdue "
        "FROM security_subject_request WHERE status IN ('waiting', 'blocked', 'running')"
    )
    for standing in ("open", "overdue"):
        SUBJECT_REQUESTS.labels(standing).set(row[standing] if row else 0)
