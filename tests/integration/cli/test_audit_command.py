"""`harborgrid audit`."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from conftest import Stack, Tenant, until
from integration.cli.harborgrid_command import harborgrid

from adapters.postgres.embedded import EmbeddedPostgres


class TestAudit:
    async def test_checks_a_log_and_names_what_was_changed(
        self, stack: Stack, tenant: Tenant, postgres: EmbeddedPostgres, tmp_path: Path
    ) -> None:
        await stack.http.post("/v1/security/audit-checkpoints", headers=stack.operator)

        async def is_signed() -> bool:
            return bool((await tenant.get("/v1/security/audit-checkpoints"))["items"])

        await until(is_signed, what="a checkpoint")
        note = tmp_path / "kept.txt"
        note.write_text((await harborgrid(stack, "audit", "checkpoint", "--tenant", tenant.id)).out)
        key = (await harborgrid(stack, "audit", "key")).out.strip()
        words = ("audit", "verify", "--tenant", tenant.id, "--note", str(note), "--key", key)
        intact = await harborgrid(stack, *words)
        database = stack.settings.postgres_dsn.get_secret_value().rpartition("/")[2]
        intruder = await asyncpg.connect(postgres.dsn("postgres", database))
        await intruder.execute(
            "SET session_replication_role = replica; "
            f"UPDATE platform.security_audit SET actor_id = 'nobody' WHERE tenant_id = '{tenant.id}'"
        )
        await intruder.close()
        changed = await harborgrid(stack, *words)

        assert (0, "intact") == (intact.code, intact.out.splitlines()[-1].strip()), intact.out + intact.err
        assert changed.code == 1
        assert "changed at 0 aud_" in changed.out
        assert "flaws" in changed.out.splitlines()[-1]

    async def test_says_what_a_tenants_id_looks_like(self, stack: Stack) -> None:
        told = await harborgrid(stack, "audit", "verify", "--tenant", "northwind")

        assert told.code == 2
        assert "expected an id like ten_" in told.err

    async def test_says_when_there_is_no_checkpoint_yet(self, stack: Stack) -> None:
        told = await harborgrid(stack, "audit", "checkpoint", "--tenant", "ten_01h455vb4pex5vsknk084sn02q")

        assert told.code == 1
        assert "security.checkpoint_not_found" in told.err
