"""What those who run the platform ask it, and what it does while the database or Temporal is down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from conftest import Stack, database_of_its_own, free_port, serving, settings_for, until
from pydantic import SecretStr

from adapters.container import open_container
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import Settings
from adapters.temporal.embedded import EmbeddedTemporal
from cli.operator import make_operator_key
from worker.main import worker_of
from worker.relay import Relay

ONBOARDINGS = "/v1/workflow/onboardings"
BODY = {"organisation": "Patience", "ownerName": "Grace", "ownerEmail": "grace@example.com"}


class Cable:
    """A way to a server that can be cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: set[asyncio.StreamWriter] = set()
        self.port = free_port()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Whoever uses it finds it broken, and stays disconnected."""
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer), return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()
    finally:
        writer.close()


def through(cable: Cable, dsn: SecretStr) -> SecretStr:
    """This DSN, by way of the cable."""
    parts = urlsplit(dsn.get_secret_value())
    netloc = re.sub(r":\d+$", f":{cable.port}", parts.netloc)
    return SecretStr(urlunsplit(parts._replace(netloc=netloc)))


@asynccontextmanager
async def api_of(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API alone, without workers; Temporal need not be there."""
    async with (
        open_container(settings, process="test", lazy=True) as container,
        serving(container) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):
        yield http


@pytest.fixture
async def without_temporal(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
) -> AsyncIterator[tuple[Settings, httpx.AsyncClient]]:
    """An API whose Temporal address is dead, and the settings of one whose is not."""
    async with database_of_its_own(postgres) as database:
        live = settings_for(postgres, temporal, database, tmp_path)
        dead = live.model_copy(update={"temporal_address": f"127.0.0.1:{free_port()}"})
        async with api_of(dead) as http:
            http.headers["X-API-Key"] = await make_operator_key(live, "test")
            yield live, http


class TestLivez:
    async def test_needs_no_key(self, stack: Stack) -> None:
        answer = await stack.http.get("/livez")

        assert answer.status_code == 200
        assert answer.json()["data"] == {"alive": True}


class TestReadyz:
    async def test_looks_at_database_and_workflows(self, stack: Stack) -> None:
        answer = await stack.http.get("/readyz")

        assert answer.status_code == 200
        assert answer.json()["data"] == {"database": True, "workflows": True}

    async def test_is_ready_without_workflows(self, without_temporal: tuple[Settings, httpx.AsyncClient]) -> None:
        _, http = without_temporal
        answer = await http.get("/readyz")

        assert answer.status_code == 200
        assert answer.json()["data"] == {"database": True, "workflows": False}

    async def test_is_not_ready_without_the_database(
        self, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
    ) -> None:
        async with AsyncExitStack() as opened:
            database = await opened.enter_async_context(database_of_its_own(postgres))
            settings = settings_for(postgres, temporal, database, tmp_path)
            key = await make_operator_key(settings, "test")
            parts = urlsplit(settings.postgres_dsn.get_secret_value())
            cable = await opened.enter_async_context(Cable(parts.port or 5432))
            dsns = {name: through(cable, getattr(settings, name)) for name in ("postgres_dsn", "postgres_owner_dsn")}
            http = await opened.enter_async_context(api_of(settings.model_copy(update=dsns)))
            before = await http.get("/readyz")
            await cable.cut()

            alive, ready = await http.get("/livez"), await http.get("/readyz")
            answer = await http.get("/v1/billing/platform-plans", headers={"X-API-Key": key})

        assert (before.status_code, alive.status_code) == (200, 200)
        assert ready.status_code == 503
        assert ready.json()["error"]["code"] == "kernel.unavailable"
        assert ready.json()["error"]["details"]["database"] is False
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "kernel.database_unavailable"
        assert ready.headers["Retry-After"] == answer.headers["Retry-After"] == "1"


class TestWithoutTemporal:
    async def test_an_onboarding_is_kept_and_starts_when_temporal_is_back(
        self, without_temporal: tuple[Settings, httpx.AsyncClient]
    ) -> None:
        live, http = without_temporal
        accepted = await http.post(ONBOARDINGS, json=BODY, headers={"Idempotency-Key": "kept"})
        again = await http.post(ONBOARDINGS, json=BODY, headers={"Idempotency-Key": "kept"})
        path = accepted.json()["data"]["href"]

        assert (accepted.status_code, again.status_code) == (202, 202)
        assert accepted.json()["data"] == again.json()["data"]
        assert (await http.get(path)).json()["data"]["status"] == "running"
        async with AsyncExitStack() as opened:
            container = await opened.enter_async_context(open_container(live, process="test", lazy=False))
            await opened.enter_async_context(worker_of(container))
            transport = await opened.enter_async_context(container.transport())
            relay = Relay(container.database, container.subscriptions, container.starter)
            async with asyncio.TaskGroup() as tasks:
                relaying = tasks.create_task(relay.run(transport))

                async def has_begun() -> bool:
                    view = (await http.get(path)).json()["data"]
                    return any(step["state"] == "done" for step in view["steps"])

                await until(has_begun, what="the first step")
                relaying.cancel()

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/security/tenant-migrations"),
            ("GET", "/v1/security/tenant-migrations/0001"),
        ],
    )
    async def test_what_needs_it_now_says_to_come_back(
        self, without_temporal: tuple[Settings, httpx.AsyncClient], method: str, path: str
    ) -> None:
        _, http = without_temporal
        answer = await http.request(method, path)

        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "kernel.workflows_unavailable"
        assert answer.headers["Retry-After"] == "1"


class TestMetrics:
    async def test_count_requests_by_route(self, stack: Stack) -> None:
        path = "/v1/billing/platform-subscriptions/sub_01h455vb4pex5vsknk084sn02q"
        await stack.http.get(path, headers=stack.operator)
        text = (await stack.http.get("/metrics")).text

        route = 'method="GET",route="/v1/billing/platform-subscriptions/{platform_subscription_id}",status="404"'
        assert re.search(rf"http_requests_total{{{re.escape(route)}}} [1-9]", text)
        assert "sub_01h455vb4pex5vsknk084sn02q" not in text

    async def test_have_one_label_for_paths_and_methods_of_callers_invention(self, stack: Stack) -> None:
        for number in range(20):
            await stack.http.get(f"/v1/invented/{number}")
            await stack.http.request("PROPFIND", f"/v1/invented/{number}")
        text = (await stack.http.get("/metrics")).text

        assert "invented" not in text
        assert "PROPFIND" not in text
        for method in ("GET", "OTHER"):
            found = re.search(
                rf'http_requests_total{{method="{method}",route="\(unmatched\)",status="404"}} (\d+)', text
            )
            assert found
            assert int(found[1]) >= 20

    async def test_have_only_templates_of_the_document_as_routes(self, stack: Stack) -> None:
        paths = set((await stack.http.get("/openapi.json", timeout=60)).json()["paths"])
        text = (await stack.http.get("/metrics")).text

        routes = set(re.findall(r'http_requests_total{.*?route="([^"]+)"', text))
        assert {route for route in routes if not route.startswith("/v1/tests/")} <= paths | {
            "(unmatched)",
            "/openapi.json",
            "/docs",
        }

    async def test_time_requests(self, stack: Stack) -> None:
        await stack.http.get("/livez")
        text = (await stack.http.get("/metrics")).text

        assert re.search(r'http_request_duration_seconds_count{method="GET",route="/livez"} [1-9]', text)
        assert re.search(r"http_requests_in_progress 1\.0", text)

    async def test_are_in_prometheus_text_format(self, stack: Stack) -> None:
        answer = await stack.http.get("/metrics")

        assert answer.headers["Content-Type"].startswith("text/plain; version=")
