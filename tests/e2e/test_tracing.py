"""One trace leads from a request through the relay, the workflow and its activities to SQL, over processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from conftest import database_of_its_own, free_port, served, settings_for, until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.notifications.mailbox import Mailbox, smtp_server
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import Settings
from adapters.temporal.embedded import EmbeddedTemporal
from adapters.temporal.namespace import ensure_namespace
from cli.operator import make_operator_key
from cli.up import as_environment

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """What an OTLP/HTTP collector does with spans: takes them."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []

    async def take(self, request: Request) -> Response:
        export = ExportTraceServiceRequest.FromString(await request.body())
        for resource in export.resource_spans:
            [service] = [
                attribute.value.string_value
                for attribute in resource.resource.attributes
                if attribute.key == "service.name"
            ]
            self.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return Response(media_type="application/x-protobuf")

    def path_to(self, name: str) -> list[str]:
        """Service and name of each span from the root of our trace to the first span of this name."""
        ours = {span.span_id: (service, span) for service, span in self.spans if span.trace_id.hex() == TRACE}
        _, span = next(found for found in ours.values() if found[1].name == name)
        path = []
        while span.span_id in ours:
            service, span = ours[span.span_id]
            path.append(f"{service}: {span.name}")
            if span.parent_span_id not in ours:
                break
            _, span = ours[span.parent_span_id]
        return path[::-1]

    def children_of(self, name: str) -> set[str]:
        """Names of the spans right below those of this name."""
        parents = {span.span_id for _, span in self.spans if span.name == name}
        return {span.name for _, span in self.spans if span.parent_span_id in parents}


@asynccontextmanager
async def processes(settings: Settings, commands: Iterable[str], folder: Path) -> AsyncIterator[None]:
    """Processes of the product; SIGTERM and an orderly end, which flushes their spans."""
    env: Mapping[str, str] = {**os.environ, **as_environment(settings)}
    running: list[asyncio.subprocess.Process] = []
    for command in commands:
        with (folder / f"{command}.log").open("wb") as log:
            running.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "cli.main", command), env=env, stdout=log, stderr=log
                )
            )
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        codes = [await asyncio.wait_for(process.wait(), 30) for process in running]
    assert [0] * len(running) == codes


async def test_a_trace_leads_from_the_request_to_sql(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
) -> None:
    collector = Collector()
    async with (
        served(Starlette(routes=[Route("/v1/traces", collector.take, methods=["POST"])])) as endpoint,
        database_of_its_own(postgres) as database,
        smtp_server(Mailbox(tmp_path / "mail"), "127.0.0.1", 0) as smtp_port,
    ):
        settings = settings_for(
            postgres,
            temporal,
            database,
            tmp_path,
            otlp_endpoint=endpoint,
            api_port=free_port(),
            worker_metrics_port=free_port(),
            smtp_port=smtp_port,
        )
        await ensure_namespace(settings, asyncio.Event())
        key = await make_operator_key(settings, "test")
        async with (
            processes(settings, ("api", "worker"), tmp_path),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}", headers={"X-API-Key": key}) as http,
        ):
            onboarding = await _onboard(http)
            await _ended(http, onboarding)

    assert {"postgres.statement"} <= collector.children_of("POST /v1/workflow/onboardings")
    to_the_activity = [
        "harborgrid-api: POST /v1/workflow/onboardings",
        "harborgrid-worker: relay workflow.onboarding.requested",
        "harborgrid-worker: start sagas.onboarding",
        "harborgrid-worker: security.provision_tenant",
    ]
    assert to_the_activity == collector.path_to("security.provision_tenant")
    assert {"postgres.transaction"} <= collector.children_of("security.provision_tenant")
    assert {
        "billing.create_subscription",
        "security.provision_tenant",
        "analytics.initialize_dashboard",
        "notifications.send_welcome_email",
        "automation.finish_onboarding",
        "relay billing.subscription.created",
    } == collector.children_of("start sagas.onboarding") - {"postgres.transaction"}


async def _onboard(http: httpx.AsyncClient) -> str:
    body = {"organisation": "Traced", "ownerName": "Ada", "ownerEmail": "ada@example.com"}
    headers = {"Idempotency-Key": "traced", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

    async def accepted() -> Any:
        try:
            answer = await http.post("/v1/workflow/onboardings", json=body, headers=headers)
        except httpx.TransportError:
            return None
        assert answer.status_code == 202, answer.text
        return answer.json()["data"]["id"]

    return str(await until(accepted, what="the API"))


async def _ended(http: httpx.AsyncClient, onboarding: str) -> None:
    async def completed() -> bool:
        view = (await http.get(f"/v1/workflow/onboardings/{onboarding}")).json()["data"]
        return bool(view["status"] == "completed")

    await until(completed, seconds=60, what="the onboarding")
