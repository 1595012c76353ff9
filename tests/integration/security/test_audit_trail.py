"""The audit trail as a log: sealed by one writer, proved to whoever asks, and every way of rewriting it found."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from conftest import Stack, Tenant, until
from fakes.bus import Bus, bus_of_its_own

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.session import Session
from adapters.security.audit import AuditReader
from adapters.security.sealing import SUBTREE, AuditSealer
from adapters.security.verification import AuditVerifier
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.audit_log import AuditVerification, Flaw, InclusionProof, VerifyAudit
from domain.security.checkpoint import CheckpointSigner, CheckpointVerifier
from domain.security.errors import AuditRecordNotFound, AuditRecordNotSealed, NotCanonical
from domain.security.events import AuditLogged
from domain.security.ids import AuditRecordId
from domain.security.merkle import extends, includes, leaf_hash

SIGNER = CheckpointSigner(b"m" * 32)
_PLATFORM = {"search_path": "platform"}


@dataclass(frozen=True, slots=True)
class Trail:
    """An audit trail in a database of its own, and an intruder with every right."""

    bus: Bus
    tenant: TenantId
    intruder: asyncpg.Connection[Any]

    @property
    def reader(self) -> AuditReader:
        return AuditReader(self.bus.database)

    async def record(self, count: int = 1, *, tenant: TenantId | None = None) -> None:
        """So many records, each in a transaction of its own."""
        for number in range(count):
            entry = AuditEntry(
                tenant_id=tenant or self.tenant, action="tests.act", resource=f"{number}", details={"number": number}
            )

            async def work(session: Session, entry: AuditEntry = entry) -> None:
                session.record(entry)

            await self.bus.database.run(None, work)

    async def seal(self) -> tuple[int, int]:
        sealed = await AuditSealer(self.bus.database, SIGNER).seal(heartbeat=lambda *_: None)
        return sealed.records, sealed.checkpoints

    async def verify(self, *notes: str) -> AuditVerification:
        verifier = AuditVerifier(self.bus.database, SIGNER.verifier)
        return await verifier.verify(VerifyAudit(tenant_id=self.tenant, notes=notes), heartbeat=lambda *_: None)

    async def flaws(self, *notes: str) -> set[Flaw]:
        return {finding.flaw for finding in (await self.verify(*notes)).findings}

    async def note(self) -> str:
        return (await self.reader.checkpoints(self.tenant, cursor=None, limit=1)).items[0].note

    async def tamper(self, *statements: str) -> None:
        """As a superuser, with triggers out of the way."""
        for statement in statements:
            await self.intruder.execute(f"SET session_replication_role = replica; {statement}")

    async def records(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return (await self.reader.page(self.tenant, cursor=None, limit=100)).items[::-1]


@pytest.fixture
async def trail(postgres: EmbeddedPostgres) -> AsyncIterator[Trail]:
    """An empty trail of a tenant."""
    async with bus_of_its_own(postgres) as bus:
        intruder = await asyncpg.connect(
            postgres.dsn("postgres", bus.name), server_settings={"search_path": "platform"}
        )
        yield Trail(bus, await bus.tenant(), intruder)
        await intruder.close()


class TestSealing:
    async def test_gives_places_in_the_order_of_commits_and_signs_what_grew(self, trail: Trail) -> None:
        await trail.record(3)
        before = [record["index"] for record in await trail.records()]
        first, second = await trail.seal(), await trail.seal()

        assert [None] * 3 == before
        assert [0, 1, 2] == [record["index"] for record in await trail.records()]
        assert ((3, 1), (0, 0)) == (first, second)

    async def test_tells_of_each_record_with_its_place_and_link_once(self, trail: Trail) -> None:
        await trail.record(3)
        for _ in range(2):
            await trail.seal()

        told = await trail.intruder.fetch(
            "SELECT data, timestamp FROM events WHERE type = 'security.audit.logged' AND tenant_id = $1 "
            "ORDER BY xid, seq",
            trail.tenant,
        )
        records = await trail.records()
        links = await trail.intruder.fetch(
            "SELECT record_id, chain FROM security_audit_leaf WHERE log = $1 ORDER BY index", trail.tenant
        )

        data = [AuditLogged.model_validate_json(row["data"]) for row in told]
        assert list(range(1, len(records) + 1)) == [each.sequence for each in data]
        assert [(each["id"], each["action"]) for each in records] == [
            (each.audit_record_id, each.action) for each in data
        ]
        assert [(row["record_id"], row["chain"].hex()) for row in links] == [
            (each.audit_record_id, each.record_sha256) for each in data
        ]

    async def test_by_many_at_once_makes_one_log(self, trail: Trail) -> None:
        neighbour = await trail.bus.tenant()
        await asyncio.gather(
            *(trail.record(20, tenant=tenant) for tenant in (trail.tenant, neighbour) for _ in range(3))
        )
        await asyncio.gather(*(trail.seal() for _ in range(4)), trail.record(5))
        await trail.seal()
        found = await trail.verify()

        assert list(range(65)) == sorted(record["index"] for record in await trail.records())
        assert (found.records, found.unsealed, found.intact) == (65, 0, True)

    async def test_waits_for_a_transaction_that_may_still_come_before_others(self, trail: Trail) -> None:
        slow = await asyncpg.connect(trail.bus.dsn, server_settings=_PLATFORM)
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("SELECT pg_current_xact_id()")
        await trail.record()
        held_back = await trail.seal()
        await transaction.rollback()
        await slow.close()

        assert ((0, 0), (1, 1)) == (held_back, await trail.seal())

    async def test_that_failed_in_the_middle_is_done_again_from_where_it_was(self, trail: Trail) -> None:
        await trail.record(2)
        await trail.seal()
        await trail.record(2)
        # Whoever rolls back has sealed nothing.
        await trail.tamper("ALTER TABLE security_audit_leaf ADD CONSTRAINT jammed CHECK (index < 3) NOT VALID")
        with pytest.raises(asyncpg.CheckViolationError):
            await trail.seal()
        await trail.tamper("ALTER TABLE security_audit_leaf DROP CONSTRAINT jammed")

        assert (2, 1) == await trail.seal()
        assert (await trail.verify()).intact

    async def test_is_possible_for_whatever_was_recorded(self, trail: Trail) -> None:
        async def work(session: Session) -> None:
            session.record(AuditEntry(tenant_id=trail.tenant, action="a", resource="r", details={"n": 2**60}))

        with pytest.raises(NotCanonical):
            await trail.bus.database.run(None, work)


class TestProofs:
    async def test_lead_from_a_record_to_a_signed_checkpoint(self, trail: Trail) -> None:
        await trail.record(SUBTREE + 44)
        await trail.seal()
        await trail.record(10)
        await trail.seal()
        checkpoint = SIGNER.verifier.open(await trail.note())
        ids = await trail.intruder.fetch("SELECT record_id FROM security_audit_leaf ORDER BY index")

        assert checkpoint.size == SUBTREE + 54
        for index in (0, 1, 200, SUBTREE - 1, SUBTREE, SUBTREE + 40, SUBTREE + 53):
            proof = await trail.reader.inclusion(trail.tenant, AuditRecordId(ids[index]["record_id"]), None)

            assert index == proof.index
            assert leaf_hash(proof.record.encode()) == _raw(proof.leaf_hash)
            assert includes(checkpoint.root, checkpoint.size, index, _raw(proof.leaf_hash), _path(proof))

    async def test_show_that_a_log_only_grew(self, trail: Trail) -> None:
        notes = []
        for count in (1, 6, SUBTREE, 300):
            await trail.record(count)
            await trail.seal()
            notes.append(SIGNER.verifier.open(await trail.note()))

        for earlier, later in pairwise(notes):
            proof = await trail.reader.consistency(trail.tenant, earlier.size, later.size)
            path = [_raw(text) for text in proof.path]
            assert extends(earlier.root, earlier.size, later.root, later.size, path)

    async def test_are_not_there_for_other_tenants_nor_for_what_is_not_sealed(self, trail: Trail) -> None:
        await trail.record()
        await trail.seal()
        await trail.record()
        [sealed, fresh] = await trail.records()
        neighbour = await trail.bus.tenant()
        await trail.record(tenant=neighbour)
        await trail.seal()
        await trail.record()

        assert await trail.reader.inclusion(trail.tenant, sealed["id"], 1)
        with pytest.raises(AuditRecordNotSealed):
            await trail.reader.inclusion(trail.tenant, fresh["id"], 1)
        with pytest.raises(AuditRecordNotFound):
            await trail.reader.inclusion(neighbour, sealed["id"], None)


class TestVerification:
    """Five sealed records, then somebody with every right to the database."""

    @pytest.fixture
    async def log(self, trail: Trail) -> Trail:
        await trail.record(3)
        await trail.seal()
        await trail.record(2)
        await trail.seal()
        assert (await trail.verify()).intact
        return trail

    @pytest.mark.parametrize(
        "change",
        [
            "resource = 'another'",
            "at = at + interval '1 microsecond'",
            "actor_id = 'somebody else'",
            "tenant_id = NULL",
            """details = '{"number": 7}'""",
            "outcome = 'denied'",
        ],
    )
    async def test_finds_a_changed_record(self, log: Trail, change: str) -> None:
        third = (await log.records())[2]["id"]
        await log.tamper(f"UPDATE security_audit SET {change} WHERE id = '{third}'")
        found = await log.verify()

        assert [(Flaw.CHANGED, 2, third)] == [(one.flaw, one.index, one.record_id) for one in found.findings]

    async def test_finds_a_deleted_record(self, log: Trail) -> None:
        third = (await log.records())[2]["id"]
        await log.tamper(f"DELETE FROM security_audit WHERE id = '{third}'")

        assert {Flaw.DELETED} == await log.flaws()

    async def test_finds_a_record_deleted_with_its_leaf(self, log: Trail) -> None:
        third = (await log.records())[2]["id"]
        await log.tamper(
            f"DELETE FROM security_audit_leaf WHERE record_id = '{third}'",
            f"DELETE FROM security_audit WHERE id = '{third}'",
        )

        assert {Flaw.DELETED, Flaw.CHAIN_BROKEN, Flaw.TRUNCATED, Flaw.REWRITTEN} == await log.flaws()

    async def test_finds_an_inserted_record(self, log: Trail) -> None:
        await log.tamper(
            "INSERT INTO security_audit (id, tenant_id, at, actor_kind, actor_id, action, resource, outcome, details, "
            "xid) OVERRIDING SYSTEM VALUE SELECT 'aud_01h455vb4pex5vsknk084sn02q', tenant_id, at, actor_kind, "
            "actor_id, action, 'invented', outcome, details, xid FROM security_audit ORDER BY n LIMIT 1"
        )

        assert {Flaw.INSERTED} == await log.flaws()

    async def test_finds_a_truncated_log(self, log: Trail) -> None:
        await log.tamper(
            "DELETE FROM security_audit WHERE id IN (SELECT record_id FROM security_audit_leaf WHERE index > 2)",
            "DELETE FROM security_audit_leaf WHERE index > 2",
        )

        assert {Flaw.TRUNCATED} == await log.flaws()

    async def test_finds_a_truncated_log_whose_checkpoints_are_gone_by_one_that_was_kept_elsewhere(
        self, log: Trail
    ) -> None:
        kept = await log.note()
        await log.tamper(
            "DELETE FROM security_audit WHERE id IN (SELECT record_id FROM security_audit_leaf WHERE index > 2)",
            "DELETE FROM security_audit_leaf WHERE index > 2",
            "DELETE FROM security_audit_checkpoint WHERE size > 3",
        )

        assert set() == await log.flaws()
        assert {Flaw.TRUNCATED} == await log.flaws(kept)

    async def test_finds_a_log_that_was_rewritten_and_sealed_anew(self, log: Trail) -> None:
        await log.tamper(
            "UPDATE security_audit SET resource = 'another'",
            "DELETE FROM security_audit_leaf",
            "DELETE FROM bus_reader WHERE name = 'security.audit'",
        )
        await log.seal()

        assert {Flaw.REWRITTEN} == await log.flaws()

    async def test_finds_a_checkpoint_that_is_not_ours(self, log: Trail) -> None:
        forger = CheckpointSigner(b"f" * 32)
        note = forger.sign(SIGNER.verifier.open(await log.note()))
        await log.tamper(f"UPDATE security_audit_checkpoint SET note = '{note}' WHERE size = 5")

        assert {Flaw.CHECKPOINT_FORGED} == await log.flaws()

    async def test_finds_another_logs_checkpoint(self, log: Trail) -> None:
        neighbour = await log.bus.tenant()
        await log.record(tenant=neighbour)
        await log.seal()
        note = (await log.reader.checkpoints(neighbour, cursor=None, limit=1)).items[0].note

        assert {Flaw.CHECKPOINT_FORGED} == await log.flaws(note)

    async def test_does_not_mind_what_is_not_sealed_yet(self, log: Trail) -> None:
        await log.record()
        found = await log.verify()

        assert (found.records, found.unsealed, found.checkpoints, found.intact) == (5, 1, 2, True)


class TestApplication:
    """What the product itself may do with the log."""

    @pytest.mark.parametrize("table", ["security_audit_leaf", "security_audit_subtree", "security_audit_checkpoint"])
    async def test_cannot_rewrite_it(self, trail: Trail, table: str) -> None:
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET log = log", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await trail.bus.database.pool.execute(statement)


class TestRoutes:
    async def test_seal_prove_and_check(self, stack: Stack, tenant: Tenant) -> None:
        sealing = await stack.http.post("/v1/security/audit-checkpoints", headers=stack.operator)
        assert sealing.status_code == 202, sealing.text

        async def signed() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = (await tenant.get("/v1/security/audit-checkpoints"))["items"]
            return items

        [checkpoint, *_] = await until(signed, what="a checkpoint")
        record = (await tenant.get("/v1/security/audit-records"))["items"][-1]
        key = (await tenant.get("/v1/security/audit-checkpoints/verifier-key"))["verifierKey"]
        proof = await tenant.get(f"/v1/security/audit-records/{record['id']}/proof")
        lines = (await tenant.http.get("/v1/security/audit-records/export", headers=tenant.headers)).text.splitlines()
        started = await tenant.http.post(
            "/v1/security/audit-verifications", json={"notes": [checkpoint["note"]]}, headers=tenant.headers
        )

        async def ended() -> dict[str, Any] | None:
            view: dict[str, Any] = await tenant.get(started.json()["data"]["href"])
            return view if view["status"] == "completed" else None

        view = await until(ended, what="the verification")
        known = CheckpointVerifier.parse(key).open(checkpoint["note"])
        path = [_raw(text) for text in proof["path"]]

        assert f"harborgrid/audit/{tenant.id}" == known.origin
        assert len(lines) == known.size
        assert lines[proof["index"]] == proof["record"]
        assert includes(known.root, known.size, proof["index"], _raw(proof["leafHash"]), path)
        assert view["intact"], view["report"]

    async def test_keep_logs_apart(self, stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
        record = (await tenant.get("/v1/security/audit-records"))["items"][0]
        answer = await neighbour.http.get(f"/v1/security/audit-records/{record['id']}/proof", headers=neighbour.headers)

        assert answer.json()["error"]["code"] in {AuditRecordNotFound.code, "security.checkpoint_not_found"}
        assert answer.status_code == 404

    async def test_say_what_to_do_about_a_check_that_is_not_there(self, tenant: Tenant) -> None:
        answer = await tenant.http.get(
            "/v1/security/audit-verifications/avf_01h455vb4pex5vsknk084sn02q", headers=tenant.headers
        )

        assert (404, "security.audit_verification_not_found") == (answer.status_code, answer.json()["error"]["code"])


def _raw(text: str) -> bytes:
    return base64.b64decode(text)


def _path(proof: InclusionProof) -> list[bytes]:
    return [_raw(text) for text in proof.path]
