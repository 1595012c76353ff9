"""What `harborgrid audit` does: reads the log and its checkpoints in the database, without the API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from adapters.postgres.database import connect
from adapters.security.audit import AuditReader
from adapters.security.master_keys import master_keys, root_secret
from adapters.security.verification import AuditVerifier
from cli.environment import complete_settings
from domain.kernel.ids import TenantId
from domain.security.audit_log import AuditVerification, VerifyAudit
from domain.security.checkpoint import CheckpointSigner, CheckpointVerifier
from domain.security.errors import CheckpointNotFound


def verify(tenant: str, notes: Sequence[str], key: str) -> int:
    """Check one log and print every flaw. Returns the exit code."""
    cmd = VerifyAudit(tenant_id=TenantId(tenant) if tenant else None, notes=tuple(notes))
    found = asyncio.run(_verified(cmd, CheckpointVerifier.parse(key) if key else verifier_key()))
    console = Console()
    for finding in found.findings:
        place = "" if finding.index is None else f" at {finding.index}"
        told = f"[red]{finding.flaw}[/red]{place} {finding.record_id or ''}: {finding.reason}"
        console.print(told, highlight=False, soft_wrap=True)
    console.print(f"{found.records} records, {found.checkpoints} checkpoints, {found.unsealed} not sealed yet")
    console.print("[green]intact[/green]" if found.intact else f"[red]{found.flaws} flaws[/red]")
    return 0 if found.intact else 1


def newest_checkpoint(tenant: str) -> str:
    """The signed note. Raises CheckpointNotFound."""
    return asyncio.run(_newest(TenantId(tenant) if tenant else None))


def verifier_key() -> CheckpointVerifier:
    """This platform's. Raises BadConfiguration if there is no master key, MasterKeyUnavailable."""
    return asyncio.run(_verifier_key())


async def _verifier_key() -> CheckpointVerifier:
    settings = complete_settings(owner=False)
    async with connect(settings.postgres_dsn.get_secret_value(), size=1, application="harborgrid-cli") as database:
        return CheckpointSigner(await root_secret(database, master_keys(settings))).verifier


async def _verified(cmd: VerifyAudit, key: CheckpointVerifier) -> AuditVerification:
    dsn = complete_settings(owner=False).postgres_dsn.get_secret_value()
    with Progress(transient=True) as progress:
        task = progress.add_task("records", total=None)
        async with connect(dsn, size=2, application="harborgrid-cli") as database:
            return await AuditVerifier(database, key).verify(
                cmd, heartbeat=lambda done: progress.update(task, completed=done)
            )


async def _newest(tenant: TenantId | None) -> str:
    dsn = complete_settings(owner=False).postgres_dsn.get_secret_value()
    async with connect(dsn, size=2, application="harborgrid-cli") as database:
        page = await AuditReader(database).checkpoints(tenant, cursor=None, limit=1)
    if not page.items:
        raise CheckpointNotFound
    return page.items[0].note
