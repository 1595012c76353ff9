"""Checks a log against its records, its links and its checkpoints: whatever was changed since, shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.sealing import READER
from adapters.telemetry.metrics import AUDIT_FLAWS
from domain.bus.event import START
from domain.kernel.ids import TenantId
from domain.security.audit_log import (
    FIRST_LINK,
    PLATFORM_LOG,
    AuditVerification,
    Finding,
    Flaw,
    VerifyAudit,
    canonical,
    link,
    origin_of,
)
from domain.security.checkpoint import Checkpoint, CheckpointVerifier
from domain.security.errors import CheckpointInvalid
from domain.security.merkle import Frontier, leaf_hash

BATCH = 2000
_KEPT = 100

_SEALED = f"""
SELECT leaf.index, leaf.record_id, leaf.leaf, leaf.chain, record.id, record.tenant_id, record.at, record.actor_kind,
       record.actor_id, record.action, record.resource, record.outcome, record.request_id, record.correlation_id,
       record.details
FROM security_audit_leaf AS leaf LEFT JOIN security_audit AS record ON record.id = leaf.record_id
WHERE leaf.log = $1 AND leaf.index > $2 ORDER BY leaf.index LIMIT {BATCH}
"""
# Behind the sealer's place every record has a leaf.
_WITHOUT_LEAF = """
SELECT record.id, (record.xid, record.n) <= ($2::xid8, $3::bigint) AS is_late
FROM security_audit AS record LEFT JOIN security_audit_leaf AS leaf ON leaf.record_id = record.id
WHERE leaf.record_id IS NULL AND coalesce(record.tenant_id, 'platform') = $1 ORDER BY record.xid, record.n
"""


class AuditVerifier:
    """Reads a whole log, a batch at a time; changes nothing."""

    def __init__(self, database: Database, key: CheckpointVerifier) -> None:
        self._database, self._key = database, key

    async def verify(self, cmd: VerifyAudit, *, heartbeat: Callable[..., None]) -> AuditVerification:
        """Check one log, also against the checkpoints in `cmd.notes`. Calls `heartbeat(records so far)`."""
        log = cmd.tenant_id or PLATFORM_LOG
        flaws = _Flaws()
        notes = await self._database.run(
            None,
            lambda session: session.sql.fetch("SELECT note FROM security_audit_checkpoint WHERE log = $1", log),
        )
        checkpoints = self._checkpoints([*(row["note"] for row in notes), *cmd.notes], cmd.tenant_id, flaws)
        reading = _Reading(flaws, checkpoints)
        while rows := await self._batch(log, reading.index):
            for row in rows:
                reading.take(row)
            heartbeat(reading.index + 1)
        reading.end()
        unsealed = await self._database.run(None, lambda session: _without_leaf(session, log, flaws))
        for finding in flaws.kept:
            AUDIT_FLAWS.labels(finding.flaw).inc()
        return AuditVerification(
            records=reading.tree.size,
            unsealed=unsealed,
            checkpoints=len(checkpoints),
            flaws=flaws.count,
            findings=tuple(flaws.kept),
        )

    async def _batch(self, log: str, after: int) -> list[Any]:
        return await self._database.run(None, lambda session: session.sql.fetch(_SEALED, log, after))

    def _checkpoints(self, notes: Iterable[str], tenant: TenantId | None, flaws: _Flaws) -> list[Checkpoint]:
        found = set()
        for note in notes:
            try:
                checkpoint = self._key.open(note)
            except CheckpointInvalid as error:
                flaws.add(Flaw.CHECKPOINT_FORGED, reason=error.message)
                continue
            if checkpoint.origin == origin_of(tenant):
                found.add(checkpoint)
            else:
                flaws.add(Flaw.CHECKPOINT_FORGED, reason=f"a checkpoint of {checkpoint.origin} is kept for this log")
        return sorted(found, key=lambda checkpoint: checkpoint.size)


class _Flaws:
    def __init__(self) -> None:
        self.count, self.kept = 0, list[Finding]()

    def add(self, flaw: Flaw, *, reason: str, index: int | None = None, record_id: str | None = None) -> None:
        self.count += 1
        if len(self.kept) < _KEPT:
            self.kept.append(Finding(flaw=flaw, index=index, record_id=record_id, reason=reason))


class _Reading:
    """A log read from its beginning, and what the tree and the chain should be at each record."""

    def __init__(self, flaws: _Flaws, checkpoints: list[Checkpoint]) -> None:
        self._flaws, self._ahead = flaws, checkpoints[::-1]
        self.tree, self.index, self._chain = Frontier(), -1, FIRST_LINK

    def take(self, row: Mapping[str, Any]) -> None:
        """The next leaf with its record, if that is there."""
        at = {"index": row["index"], "record_id": row["record_id"]}
        if row["index"] != self.index + 1:
            self._flaws.add(
                Flaw.DELETED, reason=f"{row['index'] - self.index - 1} leaves before this one are gone", **at
            )
        self.index = row["index"]
        leaf = row["leaf"]
        if row["id"] is None:
            self._flaws.add(Flaw.DELETED, reason="the record is gone, its leaf is there", **at)
        else:
            leaf = leaf_hash(canonical(row))
            if leaf != row["leaf"]:
                self._flaws.add(Flaw.CHANGED, reason="the record is not what was sealed", **at)
        # By the leaf that was sealed, so that one changed record is one flaw, and not one for each that follows.
        if link(self._chain, row["leaf"]) != row["chain"]:
            self._flaws.add(Flaw.CHAIN_BROKEN, reason="the link does not follow from the one before it", **at)
        self._chain = row["chain"]
        self.tree.add(row["leaf"])
        while self._ahead and self._ahead[-1].size == self.tree.size:
            self._compare(self._ahead.pop())

    def end(self) -> None:
        """No more leaves."""
        for checkpoint in reversed(self._ahead):
            if checkpoint.size > self.tree.size:
                self._flaws.add(
                    Flaw.TRUNCATED,
                    index=self.tree.size,
                    reason=f"a checkpoint tells of {checkpoint.size} records, there are {self.tree.size}",
                )

    def _compare(self, checkpoint: Checkpoint) -> None:
        if (checkpoint.root, checkpoint.chain) != (self.tree.head(), self._chain):
            self._flaws.add(
                Flaw.REWRITTEN,
                index=checkpoint.size - 1,
                reason=f"up to here the log is not the one whose checkpoint of {checkpoint.size} records was signed",
            )


async def _without_leaf(session: Session, log: str, flaws: _Flaws) -> int:
    """Records that are not sealed yet; those that should have been were put in later."""
    place = await session.sql.fetchrow("SELECT xid, seq FROM bus_reader WHERE name = $1", READER)
    rows = await session.sql.fetch(_WITHOUT_LEAF, log, *((place["xid"], place["seq"]) if place else START))
    late = [row["id"] for row in rows if row["is_late"]]
    for record_id in late:
        flaws.add(
            Flaw.INSERTED, record_id=record_id, reason="the record stands before sealed ones and was never sealed"
        )
    return len(rows) - len(late)
