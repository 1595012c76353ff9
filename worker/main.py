"""A worker process: Temporal worker, relay, and its upkeep."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial

import structlog
import uvloop
from prometheus_client import start_http_server
from temporalio.worker import Worker

from adapters.container import Container, open_container
from adapters.kernel.memory import settle
from adapters.kernel.upkeep import every
from adapters.postgres.answers import KeptAnswers
from adapters.postgres.migrations import TENANT, upgrade_sql
from adapters.security.forgetting import Forgetting
from adapters.settings import EventTransportKind, Settings
from adapters.telemetry.logs import configure_logs
from adapters.telemetry.tracing import tracing
from adapters.temporal.namespace import ensure_namespace
from adapters.temporal.plugin import metrics_runtime
from adapters.temporal.schedules import ensure_schedules
from worker.gauges import refresh_gauges
from worker.relay import Relay
from workflows.registry import WORKFLOWS

log = structlog.get_logger(__name__)

# Beyond the time that activities have to finish.
_TO_END = 8.0


def worker_of(container: Container) -> Worker:
    """The Temporal worker: every workflow and activity, one task queue."""
    settings = container.settings
    return Worker(
        container.temporal,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=container.activities(),
        max_concurrent_activities=settings.worker_max_activities,
        # How long a task waits for a worker that died with the workflow in its cache.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_shutdown_grace_seconds),
    )


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what runs. Raises BadConfiguration, DatabaseUnavailable."""
    async with AsyncExitStack() as stack:
        stack.enter_context(tracing(settings, "harborgrid-worker"))
        await ensure_namespace(settings, stop)
        if stop.is_set():
            return
        container = await stack.enter_async_context(
            open_container(settings, process="worker", runtime=metrics_runtime(settings), lazy=False, serves=False)
        )
        transport = await stack.enter_async_context(container.transport())
        # The first tenant should not wait for Alembic to be loaded.
        await asyncio.to_thread(upgrade_sql, TENANT, None)
        relay = Relay(container.database, container.subscriptions, container.starter)
        gauges = partial(refresh_gauges, container.database, container.events)
        spares = container.spare_schemas()
        forgetting, answers = Forgetting(container.database), KeptAnswers(container.database)
        background = [
            asyncio.create_task(relay.run(transport), name="relay"),
            asyncio.create_task(every(5, gauges, otherwise="gauges.stale"), name="gauges"),
            asyncio.create_task(every(3600, forgetting.forget, otherwise="people.not_forgotten"), name="forgetting"),
            asyncio.create_task(every(600, answers.forget, otherwise="answers.not_forgotten"), name="answers"),
            asyncio.create_task(every(2, spares.fill, otherwise="spare_schemas.not_filled"), name="spares"),
        ]
        if settings.event_transport is EventTransportKind.NATS:
            from adapters.bus.nats import NatsTransport  # noqa: PLC0415 - a second of loading, where it is chosen

            assert isinstance(transport, NatsTransport)
            background.append(asyncio.create_task(transport.pump_for_ever(), name="nats-pump"))
        try:
            await ensure_schedules(container.temporal, settings)
            async with worker_of(container):
                settle()
                log.info("worker.started", task_queue=settings.task_queue)
                await _first(asyncio.create_task(stop.wait()), *background)
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
        log.info("worker.stopped")


async def _first(*tasks: asyncio.Task[object]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def main(settings: Settings) -> None:
    """The `harborgrid worker` command."""
    configure_logs(settings)
    start_http_server(settings.worker_metrics_port)
    with suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        loop.call_later(settings.worker_shutdown_grace_seconds + _TO_END, _end)

    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, told)
    await run_worker(settings, stop)


def _end() -> None:
    """What runs may wait for a database that is gone: the worker would wait with it for ever, and keep its ports."""
    log.error("worker.not_let_go", hint="nothing is lost: what ran is done again by the next worker")
    os._exit(1)
