"""`harborgrid up`: the whole platform on one machine, with embedded servers and a demo tenant."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
from pydantic import SecretStr
from rich.console import Console

from adapters.bootstrap import create_database, migrate_platform
from adapters.security.master_keys import ensure_master_key
from adapters.settings import BadConfiguration, EventTransportKind, Settings, load_settings
from adapters.telemetry.logs import configure_logs
from adapters.temporal.embedded import EmbeddedTemporal
from cli.client import ApiClient
from cli.environment import (
    embedded_postgres,
    operator_key_path,
    uses_embedded_postgres,
    with_embedded,
    with_payment_simulator,
)
from cli.operator import ensure_operator_key
from cli.supervisor import Service, Supervisor
from cli.terminal import foreground

LAYOUT = "1"
DEMO = {
    "organisation": "Northwind Traders",
    "ownerName": "Ada Lovelace",
    "ownerEmail": "ada@northwind.example",
    "planCode": "pro",
    "locale": "en",
    "timezone": "Europe/Berlin",
}


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo tenant; the API key is known in the run that made it only."""

    tenant_id: str
    workflow_id: str
    api_key: str | None


class Up:
    """Starts everything, shows where it is, and stops it when told."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self.settings, self.console = settings, console
        self.supervisor = Supervisor(self._told)
        self.data = settings.data_dir.resolve()
        self.services: dict[str, Service] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises BadConfiguration, NewerDataDirectory, NewerSchema, ServiceFailed."""
        self._check_layout()
        self._check_ports()
        stopping = asyncio.create_task(stop.wait())
        try:
            with self.console.status("starting") as status:
                starting = asyncio.create_task(self._start(status.update))
                await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not starting.done():
                    starting.cancel()
                    await asyncio.gather(starting, return_exceptions=True)
                    return
            self._show(await starting)
            await stopping
        finally:
            stopping.cancel()
            await self.supervisor.stop()
            self._told("stopped; the data is kept")

    def _told(self, line: str) -> None:
        # Whoever read our output may have left (`| head`): that must not keep us from stopping what runs.
        with suppress(BrokenPipeError):
            self.console.print(f"[dim]{line}[/dim]")

    async def _start(self, told: Callable[[str], None]) -> Demo:
        told("PostgreSQL, Temporal, the mailbox and the payment simulator")
        self.settings = with_payment_simulator(self.settings)
        await asyncio.gather(
            self._database(),
            self._launch(self._temporal()),
            self._launch(self._mailbox()),
            self._launch(self._simulator()),
        )
        if self.settings.event_transport is EventTransportKind.NATS:
            await self._launch(self._nats())
        told("API and worker")
        await asyncio.gather(self._launch(self._api()), self._launch(self._worker()))
        operator_key = await ensure_operator_key(self.settings)
        told("the demo tenant is onboarded")
        return await self._demo(operator_key)

    async def _launch(self, service: Service) -> None:
        self.services[service.name] = service
        await self.supervisor.start(service)

    async def _database(self) -> None:
        if uses_embedded_postgres(self.settings):
            server = embedded_postgres(self.settings)
            await asyncio.to_thread(server.prepare)
            superuser = server.dsn("postgres", "postgres")
            await self._launch(
                Service(
                    name="postgres",
                    command=server.command(),
                    ready=lambda: _accepts(superuser),
                    log=self.data / "logs" / "postgres.log",
                    user=server.user(),
                    stop=signal.SIGINT,
                )
            )
            await create_database(server)
            self.settings = with_embedded(self.settings, server)
        if not self.settings.kms_key:
            ensure_master_key(self.settings.master_key_path)
        await migrate_platform(self.settings.postgres_owner_dsn.get_secret_value())

    def _temporal(self) -> Service:
        settings = self.settings
        server = EmbeddedTemporal(
            port=settings.temporal_port,
            ui_port=settings.temporal_ui_port,
            namespace=settings.temporal_namespace,
            database=self.data / "temporal.sqlite",
            codec_url=f"{settings.api_public_url}/v1/bus/codec",
        )
        return Service(
            name="temporal",
            command=server.command(),
            ready=lambda: _listens(settings.temporal_port),
            log=self.data / "logs" / "temporal.log",
        )

    def _mailbox(self) -> Service:
        settings = self.settings
        return self._own("mailbox", lambda: _listens(settings.mailbox_port))

    def _simulator(self) -> Service:
        return self._own("payment-simulator", lambda: _listens(self.settings.payment_simulator_port))

    def _nats(self) -> Service:
        store, port = self.data / "nats", int(self.settings.nats_url.rpartition(":")[2])
        command = [str(Path(sys.executable).parent / "nats-server"), "-js", "-sd", str(store), "-a", "127.0.0.1"]
        return Service(
            name="nats",
            command=[*command, "-p", str(port)],
            ready=lambda: _listens(port),
            log=self.data / "logs" / "nats.log",
        )

    def _api(self) -> Service:
        return self._own("api", lambda: _answers(f"http://127.0.0.1:{self.settings.api_port}/readyz"))

    def _worker(self) -> Service:
        return self._own("worker", lambda: _listens(self.settings.worker_metrics_port))

    def _own(self, name: str, ready: Callable[[], Awaitable[bool]]) -> Service:
        told = self.settings.model_copy(
            update={"data_dir": self.data, "temporal_address": f"127.0.0.1:{self.settings.temporal_port}"}
        )
        return Service(
            name=name,
            command=[sys.executable, "-m", "cli.main", name],
            ready=ready,
            log=self.data / "logs" / f"{name}.log",
            env=as_environment(told),
        )

    async def _demo(self, operator_key: str) -> Demo:
        memory = self.data / "demo.json"
        if memory.exists():
            return Demo(**json.loads(memory.read_text()), api_key=None)
        async with ApiClient(f"http://127.0.0.1:{self.settings.api_port}", operator_key) as api:
            onboarding = await api.onboard(DEMO, key="demo-tenant")
            if onboarding["status"] != "completed":
                raise BadConfiguration(f"the demo tenant was not onboarded: {onboarding['errorReason']}")
            api_key = await api.reveal_first_key(onboarding["tenantId"])
        facts = {"tenant_id": onboarding["tenantId"], "workflow_id": onboarding["workflowId"]}
        memory.write_text(json.dumps(facts))
        return Demo(**facts, api_key=api_key)

    def _show(self, demo: Demo) -> None:
        settings, url = self.settings, f"http://127.0.0.1:{self.settings.api_port}"
        run = f"http://127.0.0.1:{settings.temporal_ui_port}/namespaces/{settings.temporal_namespace}/workflows/"
        rows = {
            "API": url,
            "OpenAPI page": f"{url}/docs",
            "Onboarding in the Temporal UI": run + quote(demo.workflow_id, safe=""),
            "Demo tenant": demo.tenant_id,
            "Its API key (shown once)": demo.api_key or "was shown at the first start",
            "Operator's API key": f"in {operator_key_path(settings).resolve()}",
            "Payments go to": settings.stripe_api_url,
            "Mailbox": f"http://127.0.0.1:{settings.mailbox_port}",
            "Query with DuckDB": f"harborgrid sql --tenant {demo.tenant_id}",
            "Logs": str(self.data / "logs"),
            "Data": str(self.data),
        }
        self.console.print("[bold green]HarborGrid is up[/bold green]")
        for name, value in rows.items():
            # Never broken over lines: a link in two pieces can be neither opened nor copied.
            self.console.print(f"[bold]{name:<31}[/bold]{value}", soft_wrap=True, highlight=False)
        self.console.print("Ctrl-C stops everything and keeps the data.")

    def _check_layout(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        marker = self.data / "LAYOUT"
        found = marker.read_text().strip() if marker.exists() else LAYOUT
        if not found.isdecimal() or int(found) > int(LAYOUT):
            raise BadConfiguration(
                f"HARBORGRID_DATA_DIR: {self.data} was written by a newer HarborGrid (layout {found}, this one "
                f"knows {LAYOUT}). Update HarborGrid, or choose another folder."
            )
        marker.write_text(LAYOUT + "\n")

    def _check_ports(self) -> None:
        settings = self.settings
        wanted = {
            "HARBORGRID_API_PORT": settings.api_port,
            "HARBORGRID_TEMPORAL_PORT": settings.temporal_port,
            "HARBORGRID_TEMPORAL_UI_PORT": settings.temporal_ui_port,
            "HARBORGRID_SMTP_PORT": settings.smtp_port,
            "HARBORGRID_MAILBOX_PORT": settings.mailbox_port,
            "HARBORGRID_PAYMENT_SIMULATOR_PORT": settings.payment_simulator_port,
            "HARBORGRID_WORKER_METRICS_PORT": settings.worker_metrics_port,
            "HARBORGRID_WORKER_SDK_METRICS_PORT": settings.worker_sdk_metrics_port,
        }
        if uses_embedded_postgres(settings):
            wanted["HARBORGRID_POSTGRES_PORT"] = settings.postgres_port
        busy = [f"{name}: port {port} is in use by another program" for name, port in wanted.items() if _is_busy(port)]
        if busy:
            raise BadConfiguration(
                "\n".join([*busy, "Stop that program, or set the variable to a free port and run `make up` again."])
            )


def main() -> int:
    """The command. Returns the exit code."""
    console = Console()
    settings = load_settings()
    configure_logs(settings.model_copy(update={"log_level": "ERROR"}))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(settings.data_dir.resolve()), foreground():
        asyncio.run(_until_told(Up(settings, console)))
    return 0


async def _until_told(up: Up) -> None:
    stop = asyncio.Event()
    # The last of them is sent when the terminal is closed.
    for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    await up.run(stop)


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data directory for this process. Raises BadConfiguration if another one does."""
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadConfiguration(
                f"HARBORGRID_DATA_DIR: another `harborgrid up` uses {data}; stop it first, or choose another folder"
            ) from None
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process see these settings."""
    values = {name: getattr(settings, name) for name in settings.model_fields_set}
    return {
        f"HARBORGRID_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _is_busy(port: int) -> bool:
    if port == 0:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


async def _accepts(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            answer: Any = await client.get(url)
    except httpx.HTTPError:
        return False
    return bool(answer.status_code == 200)
