"""Around every start and every activity: context, heartbeats, metrics, spans, and errors in our words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import trace
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Interceptor as ClientInterceptor,
)
from temporalio.client import (
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from temporalio.worker import Interceptor as WorkerInterceptor

from activities.failures import as_failure
from adapters.telemetry.metrics import ACTIVITIES, ACTIVITY_SECONDS
from adapters.telemetry.tracing import current_traceparent, parent_of
from domain.kernel.context import current_context, within
from domain.kernel.errors import HarborGridError
from workflows.context import HEADER, from_header, to_header

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = structlog.get_logger(__name__)
tracer = trace.get_tracer("harborgrid.temporal")


class ActivityInterceptor(WorkerInterceptor):
    """The activity side of the context; the workflow side is workflows/context.py."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap every activity."""
        return _Activity(next)


class StartInterceptor(ClientInterceptor):
    """Sends the current context along with every workflow start."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Wrap every call of the client."""
        return _Start(next)


class _Start(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        context = current_context()
        # A workflow has no span of its own, for its code runs many times: its activities hang below its start.
        with tracer.start_as_current_span(
            f"start {input.workflow}",
            context=None if trace.get_current_span().get_span_context().is_valid else parent_of(context.traceparent),
            attributes={"temporal.workflow.id": input.id},
        ):
            context = context.model_copy(update={"traceparent": current_traceparent() or context.traceparent})
            headers: Mapping[str, Payload] = {**input.headers, HEADER: to_header(context)}
            input.headers = headers
            return await super().start_workflow(input)


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        carried = from_header(input.headers)
        context = carried.model_copy(update={"causation_id": f"{info.workflow_id}#{info.activity_id}"})
        started = time.perf_counter()
        outcome = "completed"
        async with AsyncExitStack() as stack:
            stack.enter_context(within(context))
            stack.enter_context(
                tracer.start_as_current_span(
                    info.activity_type,
                    context=parent_of(context.traceparent),
                    attributes={"temporal.workflow.id": info.workflow_id or "", "temporal.attempt": info.attempt},
                )
            )
            await stack.enter_async_context(_beating())
            try:
                return await super().execute_activity(input)
            except HarborGridError as error:
                outcome = "retried" if error.retryable else "refused"
                log.info("activity.refused", activity=info.activity_type, code=error.code, attempt=info.attempt)
                raise as_failure(error) from error
            except asyncio.CancelledError:
                outcome = "cancelled"
                raise
            except Exception:
                outcome = "failed"
                log.exception("activity.failed", activity=info.activity_type, attempt=info.attempt)
                raise
            finally:
                ACTIVITIES.labels(info.activity_type, outcome).inc()
                ACTIVITY_SECONDS.labels(info.activity_type).observe(time.perf_counter() - started)


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Heartbeat on behalf of the activity, so that a dead worker is noticed and a cancellation arrives."""
    patience = activity.info().heartbeat_timeout
    if patience is None:
        yield
        return
    task = asyncio.create_task(_beat(patience.total_seconds() / 3))
    try:
        yield
    finally:
        task.cancel()


async def _beat(pause_seconds: float) -> None:
    while True:
        await asyncio.sleep(pause_seconds)
        activity.heartbeat()
