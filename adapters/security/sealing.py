"""Seals audit records: one writer gives them places in their tenant's log, links, leaves, and signed checkpoints.

Records are appended by whoever acts, in its own transaction, many at once. Here they are put in order afterwards,
behind the fence where no record can come before another any more: writers do not wait, and no chain can fork.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.postgres.rows import hold
from adapters.postgres.session import Session
from adapters.telemetry.metrics import AUDIT_CHECKPOINTS
from domain.bus.event import START, Position
from domain.kernel.audit import Outcome
from domain.kernel.context import ActorKind
from domain.kernel.ids import TenantId
from domain.security.audit_log import FIRST_LINK, PLATFORM_LOG, Sealed, canonical, link, origin_of
from domain.security.checkpoint import Checkpoint, CheckpointSigner
from domain.security.events import AuditLogged
from domain.security.ids import AuditRecordId
from domain.security.merkle import Range, head, leaf_hash

BATCH = 2000
SUBTREE = 256
"""Leaves to a stored subtree: a head costs at most this many leaves and one hash for each full subtree."""
READER = "security.audit"
_LOCK = "security_audit/seal"

_UNSEALED = f"""
SELECT xid, n, id, tenant_id, at, actor_kind, actor_id, action, resource, outcome, request_id, correlation_id, details
FROM security_audit WHERE (xid, n) > ($1::xid8, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, n LIMIT {BATCH}
"""


class AuditSealer:
    """The one writer of every log."""

    def __init__(self, database: Database, signer: CheckpointSigner) -> None:
        self._database, self._signer = database, signer

    async def seal(self, *, heartbeat: Callable[..., None]) -> Sealed:
        """Seal what is there, and sign a checkpoint of every log that grew."""
        records = 0
        while sealed := await self._database.run(None, self._seal):
            records += sealed
            heartbeat(records)
            if sealed < BATCH:
                break
        return Sealed(records=records, checkpoints=await self._checkpoints(heartbeat))

    async def _seal(self, session: Session) -> int:
        await hold(session, _LOCK)
        place = await session.sql.fetchrow("SELECT xid, seq FROM bus_reader WHERE name = $1", READER)
        rows = await session.sql.fetch(_UNSEALED, *((place["xid"], place["seq"]) if place else START))
        if not rows:
            return 0
        logs: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows:
            logs[row["tenant_id"] or PLATFORM_LOG].append(row)
        for log, records in logs.items():
            await _append(session, log, records)
        await session.sql.execute(
            "INSERT INTO bus_reader (name, xid, seq) VALUES ($1, $2, $3) "
            "ON CONFLICT (name) DO UPDATE SET (xid, seq, updated_at) = (excluded.xid, excluded.seq, now())",
            READER,
            *Position(rows[-1]["xid"], rows[-1]["n"]),
        )
        return len(rows)

    async def _checkpoints(self, heartbeat: Callable[..., None]) -> int:
        grown = await self._database.run(
            None,
            lambda session: session.sql.fetch(
                "SELECT log, max(index) + 1 AS size FROM security_audit_leaf AS leaf GROUP BY log "
                "HAVING max(index) + 1 > coalesce((SELECT max(size) FROM security_audit_checkpoint AS known "
                "WHERE known.log = leaf.log), 0) ORDER BY log"
            ),
        )
        for row in grown:
            await self._database.run(None, partial(self._sign, log=row["log"], size=row["size"]))
            AUDIT_CHECKPOINTS.inc()
            heartbeat(row["log"])
        return len(grown)

    async def _sign(self, session: Session, *, log: str, size: int) -> None:
        chain = await session.sql.fetchval(
            "SELECT chain FROM security_audit_leaf WHERE log = $1 AND index = $2", log, size - 1
        )
        root = await head_of(session, log, Range(0, size))
        tenant = None if log == PLATFORM_LOG else TenantId(log)
        await session.sql.execute(
            "INSERT INTO security_audit_checkpoint (log, size, at, note) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            log,
            size,
            utc_now(),
            self._signer.sign(Checkpoint(origin_of(tenant), size, root, chain)),
        )


async def unsealed_seconds(session: Session) -> float:
    """Age of the oldest record that waits to be sealed; 0 if none does."""
    place = await session.sql.fetchrow("SELECT xid, seq FROM bus_reader WHERE name = $1", READER)
    seconds: float = await session.sql.fetchval(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 FROM security_audit "
        "WHERE (xid, n) > ($1::xid8, $2::bigint)",
        *((place["xid"], place["seq"]) if place else START),
    )
    return seconds


async def head_of(session: Session, log: str, part: Range) -> bytes:
    """The Merkle head of some leaves of a log, as proofs need them: from a multiple of SUBTREE if they are so many."""
    full = part.end // SUBTREE * SUBTREE if part.start % SUBTREE == 0 else part.start
    subtrees = await session.sql.fetch(
        "SELECT hash FROM security_audit_subtree WHERE log = $1 AND index >= $2 AND index < $3 ORDER BY index",
        log,
        part.start // SUBTREE,
        full // SUBTREE,
    )
    leaves = await session.sql.fetch(
        "SELECT leaf FROM security_audit_leaf WHERE log = $1 AND index >= $2 AND index < $3 ORDER BY index",
        log,
        full,
        part.end,
    )
    rest = [head([row["leaf"] for row in leaves])] if leaves else []
    return head([*(row["hash"] for row in subtrees), *rest])


async def _append(session: Session, log: str, records: Sequence[Mapping[str, Any]]) -> None:
    last = await session.sql.fetchrow(
        "SELECT index, chain FROM security_audit_leaf WHERE log = $1 ORDER BY index DESC LIMIT 1", log
    )
    begin, chain = (last["index"] + 1, last["chain"]) if last else (0, FIRST_LINK)
    leaves = [leaf_hash(canonical(record)) for record in records]
    links = []
    for leaf in leaves:
        chain = link(chain, leaf)
        links.append(chain)
    end = begin + len(records)
    await session.sql.execute(
        "INSERT INTO security_audit_leaf (log, index, record_id, leaf, chain) "
        "SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::bytea[])",
        log,
        list(range(begin, end)),
        [record["id"] for record in records],
        leaves,
        links,
    )
    if log != PLATFORM_LOG:
        told = [_logged(*each) for each in zip(records, range(begin + 1, end + 1), links, strict=True)]
        session.append(*told, tenant=TenantId(log))
    for subtree in range(begin // SUBTREE, end // SUBTREE):
        rows = await session.sql.fetch(
            "SELECT leaf FROM security_audit_leaf WHERE log = $1 AND index >= $2 AND index < $3 ORDER BY index",
            log,
            subtree * SUBTREE,
            (subtree + 1) * SUBTREE,
        )
        await session.sql.execute(
            "INSERT INTO security_audit_subtree (log, index, hash) VALUES ($1, $2, $3)",
            log,
            subtree,
            head([row["leaf"] for row in rows]),
        )


def _logged(record: Mapping[str, Any], sequence: int, link: bytes) -> AuditLogged:
    return AuditLogged.trusted(
        audit_record_id=AuditRecordId(record["id"]),
        sequence=sequence,
        actor_kind=ActorKind(record["actor_kind"]),
        actor_id=record["actor_id"],
        action=record["action"],
        resource=record["resource"],
        outcome=Outcome(record["outcome"]),
        record_sha256=link.hex(),
        occurred_at=record["at"],
    )
