"""The real parts that tests run on: PostgreSQL, Temporal, an SMTP server, the API on uvicorn.

Each test process has servers of its own on free ports; each `stack` has a database and a task queue of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import uvicorn
import uvloop
from fakes.mailbox import PickyMailbox
from pydantic import SecretStr
from temporalio.worker import Worker

from adapters.billing.simulator.app import Simulator
from adapters.billing.simulator.store import Store
from adapters.bootstrap import create_database, migrate_platform
from adapters.container import Container, open_container
from adapters.kernel.clock import utc_now
from adapters.kernel.memory import load_at_ease, settle
from adapters.notifications.mailbox import Mailbox, smtp_server
from adapters.postgres.embedded import APP, OWNER, EmbeddedPostgres
from adapters.security.master_keys import ensure_master_key
from adapters.settings import Settings
from adapters.temporal.embedded import EmbeddedTemporal
from adapters.temporal.namespace import ensure_namespace
from api.app import create_app
from cli.operator import make_operator_key
from worker.main import worker_of
from worker.relay import Relay

pytest_plugins = ["housing"]
# How long an example takes says something about the machine, and nothing about the rule.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
_numbers = count(1)

STORY = [
    "workflow.onboarding.requested",
    "billing.subscription.created",
    "security.tenant.provisioned",
    "analytics.dashboard.created",
    "notification.sent",
    "workflow.onboarding.completed",
]
"""The events of an onboarding that succeeds."""


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Any, *, seconds: float = 30, what: str = "") -> Any:
    """Wait until `await condition()` is true; its value. Fails the test after `seconds`.

    Asks less often the longer it takes: what is waited for runs on the same two cores.
    """
    began = asyncio.get_running_loop().time()
    while True:
        if value := await condition():
            return value
        waited = asyncio.get_running_loop().time() - began
        if waited > seconds:
            pytest.fail(f"waited {seconds} s for {what or condition}")
        await asyncio.sleep(min(0.02 + waited / 10, 0.3))


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A cluster for this test process, with the roles of the platform."""
    # Not in pytest's own folder, which is closed to others again whenever another run begins: as root, the
    # server runs as a user of its own.
    folder = Path(tempfile.mkdtemp(prefix="harborgrid-test-"))
    server = EmbeddedPostgres(folder / "data", free_port(), folder / "secrets", durable=False)
    server.prepare()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(server.command(), user=server.user(), stdout=log, stderr=subprocess.STDOUT)
    try:
        asyncio.run(_template(server))
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        shutil.rmtree(folder)


async def accepts(server: EmbeddedPostgres) -> None:
    """Wait until the server takes connections."""

    async def connects() -> bool:
        try:
            await (await asyncpg.connect(server.dsn("postgres", "postgres"))).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    await until(connects, what="PostgreSQL")


async def _template(server: EmbeddedPostgres) -> None:
    await accepts(server)
    await create_database(server, "template")
    await migrate_platform(server.dsn(OWNER, "template"))


@asynccontextmanager
async def database_of_its_own(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The name of a fresh, migrated database, dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(server.dsn("postgres", "postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template OWNER {OWNER}')
        yield name
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    """A Temporal server for this test process, in memory."""
    server = EmbeddedTemporal(port=free_port(), ui_port=None, namespace="harborgrid")
    log_path = tmp_path_factory.mktemp("temporal") / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(server.command(), stdout=log, stderr=subprocess.STDOUT)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(20)


@dataclass(slots=True)
class Stack:
    """A whole platform in this process."""

    settings: Settings
    container: Container
    mailbox: Mailbox
    operator_key: str
    url: str
    http: httpx.AsyncClient
    relay: Relay
    simulator: Simulator
    worker: Worker | None
    opened: AsyncExitStack = field(repr=False)

    @property
    def operator(self) -> dict[str, str]:
        """Headers of the platform's operator."""
        return {"X-API-Key": self.operator_key}

    async def onboard(self, **changes: Any) -> dict[str, Any]:
        """Request an onboarding; the accepted answer's data."""
        number = next(_numbers)
        body = {
            "organisation": f"Organisation {number}",
            "ownerName": "Grace Hopper",
            "ownerEmail": f"grace{number}@example.com",
            "planCode": "pro",
            **changes,
        }
        headers = {**self.operator, "Idempotency-Key": f"onboard-{os.getpid()}-{number}"}
        answer = await self.http.post("/v1/workflow/onboardings", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def finished(self, onboarding_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The onboarding's view once it has ended."""

        async def ended() -> dict[str, Any] | None:
            assert self.worker is None or self.worker.is_running, "the worker failed, in this test or an earlier one"
            answer = await self.http.get(f"/v1/workflow/onboardings/{onboarding_id}", headers=self.operator)
            view: dict[str, Any] = answer.json()["data"]
            return view if view["status"] != "running" else None

        view: dict[str, Any] = await until(ended, seconds=seconds, what=f"the end of {onboarding_id}")
        return view

    async def tenant(self, **changes: Any) -> Tenant:
        """A freshly onboarded tenant with an admin key."""
        accepted = await self.onboard(**changes)
        view = await self.finished(accepted["id"])
        assert view["status"] == "completed", view
        keys = await self.http.get(
            "/v1/security/api-keys", params={"tenantId": view["tenantId"]}, headers=self.operator
        )
        key_id = keys.json()["data"]["items"][0]["id"]
        revealed = await self.http.post(f"/v1/security/api-keys/{key_id}/reveal", headers=self.operator)
        return Tenant(view["tenantId"], accepted["id"], revealed.json()["data"]["secret"], self.http)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An onboarded tenant, calling with its own key."""

    id: str
    onboarding_id: str
    api_key: str
    http: httpx.AsyncClient

    @property
    def headers(self) -> dict[str, str]:
        """Its credentials."""
        return {"X-API-Key": self.api_key}

    async def get(self, path: str, **params: Any) -> Any:
        """The data of a successful GET."""
        answer = await self.http.get(path, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def settings_for(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, database: str, folder: Path, **changes: Any
) -> Settings:
    """Settings of a platform with this database; `changes` are further settings."""
    ensure_master_key(folder / "secrets" / "master.key")
    known: dict[str, Any] = {
        "data_dir": folder,
        "postgres_dsn": SecretStr(postgres.dsn(APP, database)),
        "postgres_owner_dsn": SecretStr(postgres.dsn(OWNER, database)),
        "temporal_address": f"127.0.0.1:{temporal.port}",
        "task_queue": f"queue-{database}",
        "worker_sdk_metrics_port": 0,
        "worker_shutdown_grace_seconds": 1.0,
        "outside_private": True,
    }
    return Settings(**{**known, **changes})


@asynccontextmanager
async def serving(container: Container, *, port: int | None = None, **options: Any) -> AsyncIterator[str]:
    """The API on a port of its own; gives its URL."""
    async with served(create_app(container, **options), port) as url:
        yield url


@asynccontextmanager
async def served(app: Any, port: int | None = None) -> AsyncIterator[str]:
    """An ASGI application on a port of its own; gives its URL."""
    port = port or free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            timeout_keep_alive=120,
        )
    )
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started, what="the server")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def running_stack(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, folder: Path, *, work: bool = True, **changes: Any
) -> AsyncIterator[Stack]:
    """A whole platform: API, and with `work` a worker with its relay."""
    async with AsyncExitStack() as opened:
        database = await opened.enter_async_context(database_of_its_own(postgres))
        mailbox = PickyMailbox(folder / "mail")
        smtp_port = await opened.enter_async_context(smtp_server(mailbox, "127.0.0.1", 0))
        port = free_port()
        simulator = await opened.enter_async_context(simulated(folder / "simulator.sqlite"))
        known = {
            "smtp_port": smtp_port,
            "stripe_api_url": simulator.url,
            "paypal_api_url": f"{simulator.url}/paypal",
            "api_public_url": f"http://127.0.0.1:{port}",
            **changes,
        }
        settings = settings_for(postgres, temporal, database, folder, **known)
        await ensure_namespace(settings, asyncio.Event())
        container = await opened.enter_async_context(open_container(settings, process="test", lazy=False))
        relay = Relay(container.database, container.subscriptions, container.starter)
        worker = worker_of(container) if work else None
        if worker:
            await opened.enter_async_context(worker)
            transport = await opened.enter_async_context(container.transport())
            task = asyncio.create_task(relay.run(transport))
            opened.push_async_callback(_cancelled, task)
        url = await opened.enter_async_context(serving(container, port=port))
        http = await opened.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        yield Stack(
            settings=settings,
            container=container,
            mailbox=mailbox,
            operator_key=await make_operator_key(settings, "test"),
            url=url,
            http=http,
            relay=relay,
            simulator=simulator,
            worker=worker,
            opened=opened,
        )


@asynccontextmanager
async def simulated(path: Path, port: int | None = None) -> AsyncIterator[Simulator]:
    """The simulated payment providers, with their webhooks."""
    port = port or free_port()
    store = Store(path, lambda: utc_now().timestamp())
    simulator = Simulator(store, f"http://127.0.0.1:{port}")
    async with served(simulator.app(), port):
        delivering = asyncio.create_task(simulator.webhooks.run())
        try:
            yield simulator
        finally:
            await _cancelled(delivering)
            store.close()


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(scope="session")
async def stack(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """The platform that most tests share; each test brings a tenant of its own."""
    async with running_stack(postgres, temporal, tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    """The file's tenant on the shared platform: its tests count nothing that others may have left."""
    return await stack.tenant()


@pytest.fixture
async def fresh_tenant(stack: Stack) -> Tenant:
    """One that nothing has happened to yet."""
    return await stack.tenant()


@pytest.fixture(scope="session")
async def neighbour(stack: Stack) -> Tenant:
    """Another tenant, whose things nobody else may see."""
    return await stack.tenant(organisation="The Neighbours")


def pytest_collection_finish() -> None:
    """Ten thousand tests are as lasting as what a process of the platform has loaded."""
    settle()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing a test prints or loads may depend on the developer's own settings."""
    load_at_ease()
    # The loop of the platform's processes. A loop factory of pytest-asyncio's would be a parameter of every test.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    for name in [name for name in os.environ if name.startswith("HARBORGRID_") and name != "HARBORGRID_SOAK"]:
        del os.environ[name]
    assert sys.version_info >= (3, 11)
