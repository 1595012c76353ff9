"""Rounds through the controls: each scope is visited once, in one transaction, whatever is killed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.controls_seen import COLLECTORS, Installation, Look
from adapters.security.postgres import PostgresSecurityUnitOfWork
from domain.kernel.ids import TenantId
from domain.security import controls
from domain.security.control_commands import BeginCollection, CollectionProgress, FollowCollection
from domain.security.control_model import ComplianceReport, EvidenceCollection, Observed
from domain.security.data_keys import PLATFORM
from domain.security.ids import EvidenceCollectionId, EvidenceId

AT_ONCE = 200
"""Scopes to a step, so that its progress is in the history now and then."""


async def platform_report(session: Session) -> ComplianceReport:
    """Where the platform's own controls stand."""
    return await controls.report(PostgresSecurityUnitOfWork(session), None, now=utc_now())


class PostgresEvidenceCollector:
    """See `domain.security.control_ports.EvidenceCollector`. at_once: scopes to a step."""

    def __init__(self, database: Database, installation: Installation, *, at_once: int = AT_ONCE) -> None:
        self._database, self._installation, self._at_once = database, installation, at_once

    async def begin(self, cmd: BeginCollection) -> None:
        """Write down whom to visit; may be done again."""
        collection = EvidenceCollection(id=cmd.collection_id, tenant_id=cmd.only, scopes=0, started_at=utc_now())
        await self._database.run(None, lambda session: controls.begin(PostgresSecurityUnitOfWork(session), collection))

    async def step(self, cmd: FollowCollection, *, heartbeat: Callable[..., None]) -> CollectionProgress:
        """Visit the next scopes, each in a transaction of its own."""
        waiting = await self._database.run(
            None,
            lambda session: session.sql.fetch(
                "SELECT scope FROM security_evidence_visit WHERE collection_id = $1 AND visited_at IS NULL "
                "ORDER BY scope LIMIT $2",
                cmd.collection_id,
                self._at_once,
            ),
        )
        for number, row in enumerate(waiting, 1):
            tenant = None if row["scope"] == PLATFORM else TenantId(row["scope"])
            await self._visit(cmd.collection_id, tenant)
            heartbeat(number)
        return await self._progress(cmd)

    async def complete(self, cmd: FollowCollection) -> CollectionProgress:
        """Count: it is completed if every control of every scope has evidence of this round."""
        await self._database.run(None, lambda session: self._complete(session, cmd))
        return await self._progress(cmd)

    async def _visit(self, collection: EvidenceCollectionId, tenant: TenantId | None) -> None:
        async def work(session: Session) -> None:
            now = utc_now()
            seen = {
                control.id: (new_id(EvidenceId), await self._look(session, tenant, control.check or "", now))
                for control in controls.collected_in(tenant)
            }
            await controls.keep(PostgresSecurityUnitOfWork(session), collection, tenant, seen, now=now)

        await self._database.run(None, work)

    async def _look(self, session: Session, tenant: TenantId | None, check: str, now: datetime) -> Observed:
        return await COLLECTORS[check](Look(session, tenant, now, self._installation))

    async def _complete(self, session: Session, cmd: FollowCollection) -> None:
        platform, tenant = (len(controls.collected_in(scope)) for scope in (None, TenantId("ten_")))
        await session.sql.execute(
            "UPDATE security_evidence_collection SET completed_at = $2 WHERE id = $1 AND completed_at IS NULL "
            "AND done = scopes AND evidence = (SELECT coalesce(sum(CASE WHEN scope = 'platform' THEN $3::int "
            "ELSE $4::int END), 0) FROM security_evidence_visit WHERE collection_id = $1) "
            "AND evidence = (SELECT count(*) FROM security_evidence WHERE collection_id = $1)",
            cmd.collection_id,
            utc_now(),
            platform,
            tenant,
        )

    async def _progress(self, cmd: FollowCollection) -> CollectionProgress:
        return controls.progress_of(
            await self._database.run(
                None, lambda session: PostgresSecurityUnitOfWork(session).evidence.collection(None, cmd.collection_id)
            )
        )
