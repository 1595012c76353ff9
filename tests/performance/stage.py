"""What benchmarks run on: durable PostgreSQL, Temporal, and processes under the product's own supervisor."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import free_port

from adapters.bootstrap import create_database, migrate_platform
from adapters.container import Container
from adapters.kernel.clock import new_id
from adapters.postgres.embedded import APP, OWNER, EmbeddedPostgres
from adapters.security.master_keys import ensure_master_key
from adapters.settings import Settings
from adapters.temporal.embedded import EmbeddedTemporal
from cli.environment import with_embedded
from cli.supervisor import Service, Supervisor
from cli.up import _accepts, _answers, _listens, as_environment
from domain.kernel.ids import TenantId, UserId
from domain.security.commands import ProvisionTenant
from domain.security.ids import ApiKeyId

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(slots=True)
class Stage:
    """Running servers, and the settings that reach them."""

    settings: Settings
    supervisor: Supervisor
    folder: Path

    async def run(self, name: str, command: Sequence[str], ready: Any) -> None:
        """Start one more process."""
        await self.supervisor.start(
            Service(
                name=name,
                command=list(command),
                ready=ready,
                log=self.folder / f"{name}.log",
                env={**as_environment(self.settings), "PYTHONPATH": str(ROOT / "tests")},
            )
        )

    async def api(self) -> int:
        """The product's API in a process of its own; its port."""
        await self.run(
            "api",
            [sys.executable, "-m", "cli.main", "api"],
            lambda: _answers(f"http://127.0.0.1:{self.settings.api_port}/readyz"),
        )
        return self.settings.api_port

    async def bare(self) -> int:
        """The baseline in a process of its own; its port."""
        port = free_port()
        dsn = self.settings.postgres_dsn.get_secret_value()
        await self.run("bare", [sys.executable, "-m", "performance.bare", str(port), dsn], lambda: _listens(port))
        return port


@asynccontextmanager
async def stage(folder: Path, *, temporal: bool) -> AsyncIterator[Stage]:
    """PostgreSQL as `harborgrid up` runs it, fsync and all; Temporal on a file if asked for."""
    supervisor = Supervisor(lambda _: None)
    postgres = EmbeddedPostgres(folder / "postgres", free_port(), folder / "secrets")
    server = EmbeddedTemporal(free_port(), None, "harborgrid", folder / "temporal.sqlite")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(supervisor.stop)
        postgres.prepare()
        superuser = postgres.dsn("postgres", "postgres")
        await supervisor.start(
            Service(
                name="postgres",
                command=postgres.command(),
                ready=lambda: _accepts(superuser),
                log=folder / "postgres.log",
                user=postgres.user(),
            )
        )
        await create_database(postgres)
        await migrate_platform(postgres.dsn(OWNER))
        ensure_master_key(folder / "secrets" / "master.key")
        settings = Settings(
            data_dir=folder,
            temporal_address=f"127.0.0.1:{server.port}",
            api_port=free_port(),
            worker_sdk_metrics_port=0,
            log_level="WARNING",
        )
        if temporal:
            await supervisor.start(
                Service("temporal", server.command(), lambda: _listens(server.port), folder / "temporal.log")
            )
        assert postgres.password(APP)
        # A fresh cluster is 60 MB that the disk would otherwise write while we measure.
        await asyncio.to_thread(os.sync)
        yield Stage(with_embedded(settings, postgres), supervisor, folder)


async def fire(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> float:
    """Requests per second that were answered with success. Raises AssertionError if any was not."""
    job = {
        "requests": [base64.b64encode(request).decode() for request in requests],
        "connections": connections,
        "seconds": seconds,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "performance.load",
        "127.0.0.1",
        str(port),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(job).encode())
    result = json.loads(out)
    assert set(result["statuses"]) <= {"200", "202"}, result
    return float(result["per_second"])


async def provisioned(container: Container) -> TenantId:
    """A tenant with a schema. For a container that is not `lazy`."""
    tenant = new_id(TenantId)
    provision = next(step for step in container.activities() if getattr(step, "__name__", "") == "provision_tenant")
    await provision(
        ProvisionTenant(
            tenant_id=tenant,
            organisation="Bench",
            owner_id=new_id(UserId),
            owner_name="Ada",
            owner_email="ada@example.com",
            api_key_id=new_id(ApiKeyId),
            locale="en",
            timezone="UTC",
        )
    )
    return tenant
