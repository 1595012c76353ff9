"""The onboarding saga, with everything its steps really do, against a bare workflow of as many empty activities."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from fakes.onboarding import onboarding_request
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from adapters.container import Container, open_container
from adapters.kernel.clock import utc_now
from adapters.kernel.memory import settle
from adapters.notifications.mailbox import Mailbox, smtp_server
from adapters.temporal.namespace import ensure_namespace
from api.automation.onboardings import AcceptedOnboarding
from domain.automation.events import OnboardingRequested
from domain.automation.model import OnboardingResult
from domain.kernel.idempotency import KeyedRequest
from performance.report import Figure
from performance.stage import stage
from worker.main import worker_of
from workflows.sagas.onboarding import OnboardingSaga, workflow_id

STEPS, WARM_UP, RUNS = 5, 5, 30


@activity.defn
async def nothing(_: int) -> int:
    """An empty step."""
    return 0


@workflow.defn(sandboxed=False)
class BareWorkflow:
    """As many activities as the saga has, each doing nothing."""

    @workflow.run
    async def run(self) -> None:
        """One after the other."""
        for step in range(STEPS):
            await workflow.execute_activity(nothing, step, start_to_close_timeout=timedelta(seconds=10))


async def measure(folder: Path) -> list[Figure]:
    """Both on the same Temporal server and worker process, taking turns; median latencies are compared."""
    async with stage(folder, temporal=True) as on, smtp_server(Mailbox(folder / "mail"), "127.0.0.1", 0) as smtp_port:
        settings = on.settings.model_copy(update={"smtp_port": smtp_port, "spare_schemas": 1})
        await ensure_namespace(settings, asyncio.Event())
        bare_client = await Client.connect(settings.temporal_address, namespace=settings.temporal_namespace)
        async with (
            open_container(settings, process="bench", lazy=False) as container,
            worker_of(container),
            Worker(bare_client, task_queue="bare", workflows=[BareWorkflow], activities=[nothing]),
        ):
            settle()
            spares = container.spare_schemas()
            prepared, unprepared, bares = [], [], []
            for run in range(WARM_UP + RUNS):
                # What the worker does every two seconds: schemas wait for the first of two tenants.
                await spares.fill()
                prepared.append(await _saga(container))
                bares.append(await _bare(bare_client, run))
                unprepared.append(await _saga(container))
    return [
        _figure("Onboarding saga, from start to result", prepared, bares, most=2),
        _figure("The same when more tenants come at once than schemas are prepared for", unprepared, bares, most=3),
    ]


def _figure(what: str, sagas: list[float], bares: list[float], *, most: float) -> Figure:
    ours, theirs = median(sagas[WARM_UP:]) * 1000, median(bares[WARM_UP:]) * 1000
    return Figure.of_ratio(
        what=what,
        baseline=f"a bare workflow with {STEPS} empty activities",
        measured=f"{ours:.0f} ms against {theirs:.0f} ms",
        ratio=ours / theirs,
        most=most,
    )


async def _saga(container: Container) -> float:
    request = onboarding_request()
    tenant, onboarding = request.tenant_id, request.onboarding_id
    id_ = workflow_id(tenant, onboarding)
    await container.desk.accept(
        OnboardingRequested(occurred_at=utc_now(), **request.model_dump()),
        workflow_id=id_,
        keyed=KeyedRequest(owner="bench", key=onboarding, fingerprint="bench"),
        answer=AcceptedOnboarding(id=onboarding, tenant_id=tenant, workflow_id=id_, href=""),
    )
    started = time.perf_counter()
    await container.starter.start(OnboardingSaga.run, request, id=id_, summary="bench")
    result = await container.temporal.get_workflow_handle(id_, result_type=OnboardingResult).result()
    assert result.completed, result
    return time.perf_counter() - started


async def _bare(client: Client, run: int) -> float:
    started = time.perf_counter()
    await client.execute_workflow(BareWorkflow.run, id=f"bare-{run}", task_queue="bare")
    return time.perf_counter() - started
