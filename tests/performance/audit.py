"""The audit trail: sealing against recording, and checking against hashing alone."""

from __future__ import annotations

import time
from pathlib import Path

from adapters.kernel.memory import settle
from adapters.postgres.database import Database, connect
from adapters.postgres.session import Session
from adapters.security.audit import AuditReader
from adapters.security.sealing import AuditSealer
from adapters.security.verification import AuditVerifier
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.audit_log import FIRST_LINK, VerifyAudit, canonical, link
from domain.security.checkpoint import CheckpointSigner
from domain.security.merkle import Frontier, leaf_hash
from performance.report import Figure
from performance.stage import stage

RECORDS, BATCH = 40_000, 200
TENANT = TenantId("ten_01h455vb4pex5vsknk084sn02q")


async def measure(folder: Path) -> list[Figure]:
    """One process, one tenant's log: each sealed record is told as an event."""
    signer = CheckpointSigner(b"b" * 32)
    async with (
        stage(folder, temporal=False) as on,
        connect(on.settings.postgres_dsn.get_secret_value(), size=4, application="bench") as database,
    ):
        settle()
        recorded = await _recorded(database)
        started = time.perf_counter()
        await AuditSealer(database, signer).seal(heartbeat=_nothing)
        sealed = RECORDS / (time.perf_counter() - started)
        started = time.perf_counter()
        found = await AuditVerifier(database, signer.verifier).verify(VerifyAudit(tenant_id=TENANT), heartbeat=_nothing)
        verified = RECORDS / (time.perf_counter() - started)
        assert (found.records, found.intact) == (RECORDS, True), found
        page = await AuditReader(database).page(None, cursor=None, limit=1)
    hashed = _hashed(page.items[0])
    return [
        Figure.of_ratio(
            what="Audit records sealed by one writer, and told as events",
            baseline=f"the same records recorded, {BATCH} to a transaction",
            measured=f"{sealed:,.0f} records/s against {recorded:,.0f} records/s",
            ratio=sealed / recorded,
            least=0.35,
        ),
        Figure.of_ratio(
            what="Audit records checked",
            baseline="canonical JSON and hashes alone, without a database",
            measured=f"{verified:,.0f} records/s against {hashed:,.0f} records/s",
            ratio=verified / hashed,
            least=0.25,
        ),
    ]


async def _recorded(database: Database) -> float:
    async def work(session: Session) -> None:
        for number in range(BATCH):
            session.record(
                AuditEntry(tenant_id=TENANT, action="bench.act", resource="thing", details={"number": number})
            )

    started = time.perf_counter()
    for _ in range(RECORDS // BATCH):
        await database.run(None, work)
    return RECORDS / (time.perf_counter() - started)


def _hashed(record: dict[str, object]) -> float:
    tree, chain = Frontier(), FIRST_LINK
    started = time.perf_counter()
    for _ in range(RECORDS):
        leaf = leaf_hash(canonical(record))
        chain = link(chain, leaf)
        tree.add(leaf)
    return RECORDS / (time.perf_counter() - started)


def _nothing(*_: object) -> None:
    """No heartbeat here."""
