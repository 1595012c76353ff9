"""Starts and signals workflows for the API and the relay: deterministic ids, search attributes, fair shares."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from adapters.kernel.clock import utc_now
from adapters.postgres.database import Database
from adapters.telemetry.metrics import WORKFLOW_STARTS
from adapters.temporal.codec import owner_of
from adapters.temporal.plugin import BUSINESS_KEY, CAUSATION_ID, CORRELATION_ID, MODULE, TENANT_ID
from domain.kernel.context import current_context
from domain.kernel.errors import WorkflowsUnavailable

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)
_RPC = timedelta(seconds=5)
# A worker that dies in the middle of a workflow task is noticed after this long.
_TASK = timedelta(seconds=5)
_DOWN = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.UNKNOWN)


class WorkflowStarter:
    """The one way workflows are started. Ids say what they are about, so the same fact twice is one workflow."""

    def __init__(self, client: Client, task_queue: str, weights: FairShares) -> None:
        self.client = client
        self._task_queue, self._weights = task_queue, weights

    async def start(
        self,
        workflow: Callable[..., Any],
        input: Any,
        *,
        id: str,
        summary: str,
        again: bool = False,
        at: datetime | None = None,
    ) -> bool:
        """Start it; False if it was started before. `again`: a run that has ended may be followed by another.

        at: it begins then, and until then it costs nobody anything; `signal_with_start` lets it begin before. A plain
        signal waits until it has begun, and a query finds nobody. Raises WorkflowsUnavailable.
        """
        name, delay = _name(workflow), max((at - utc_now()).total_seconds(), 0) if at else 0
        try:
            await self.client.start_workflow(
                workflow,
                input,
                id=id,
                task_queue=self._task_queue,
                static_summary=summary,
                search_attributes=_attributes(id),
                priority=await self._weights.priority(id),
                task_timeout=_TASK,
                start_delay=timedelta(seconds=delay) if delay else None,
                # In a worker's process the first task comes with the answer; elsewhere this changes nothing.
                request_eager_start=not delay,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=(
                    WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE
                ),
                rpc_timeout=_RPC,
            )
        except WorkflowAlreadyStartedError:
            WORKFLOW_STARTS.labels(name, "already_started").inc()
            return False
        except (RPCError, RuntimeError) as error:
            WORKFLOW_STARTS.labels(name, "unavailable").inc()
            raise _named(error) from error
        WORKFLOW_STARTS.labels(name, "started").inc()
        log.info("workflow.started", workflow=name, workflow_id=id)
        return True

    async def signal_with_start(
        self, workflow: Callable[..., Any], input: Any, *, id: str, summary: str, signal: str, arg: Any
    ) -> None:
        """Signal the running workflow, starting it first if need be. Raises WorkflowsUnavailable."""
        try:
            await self.client.start_workflow(
                workflow,
                input,
                id=id,
                task_queue=self._task_queue,
                static_summary=summary,
                search_attributes=_attributes(id),
                priority=await self._weights.priority(id),
                task_timeout=_TASK,
                start_signal=signal,
                start_signal_args=[arg],
                rpc_timeout=_RPC,
            )
        except (RPCError, RuntimeError) as error:
            raise _named(error) from error

    async def signal(self, id: str, signal: Callable[..., Any], arg: Any) -> bool:
        """Signal a running workflow; False if it has ended. Raises WorkflowsUnavailable."""
        try:
            await self.client.get_workflow_handle(id).signal(signal, arg, rpc_timeout=_RPC)
        except (RPCError, RuntimeError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise _named(error) from error
        return True

    def handle(self, id: str) -> WorkflowHandle[Any, Any]:
        """A handle to ask questions of a workflow."""
        return self.client.get_workflow_handle(id)

    async def ask(self, id: str, query: Callable[..., Answer]) -> Answer | None:
        """What a workflow says of itself, ended or not; None if none has begun. Raises WorkflowsUnavailable."""
        try:
            answer: Answer = await self.handle(id).query(query, rpc_timeout=_RPC)
        except WorkflowQueryFailedError as error:
            raise WorkflowsUnavailable("no worker answered the query") from error
        except (RPCError, RuntimeError) as error:
            if isinstance(error, RPCError) and _has_not_begun(error):
                return None
            raise _named(error) from error
        return answer

    async def status(self, id: str) -> WorkflowExecutionStatus | None:
        """Where the workflow stands; None if there is none. Raises WorkflowsUnavailable."""
        try:
            return (await self.handle(id).describe(rpc_timeout=timedelta(seconds=2))).status
        except (RPCError, RuntimeError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise _named(error) from error


class FairShares:
    """A tenant's share of busy workers: its plan's weight, remembered for a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, float]] = {}

    async def priority(self, workflow_id: str) -> Priority:
        """Fairness key and weight for the owner of this workflow."""
        tenant = owner_of(workflow_id)
        weight, read_at = self._known.get(tenant, (1.0, float("-inf")))
        if time.monotonic() - read_at > 60:
            weight = (
                await self._database.run(
                    None,
                    lambda session: session.sql.fetchval(
                        "SELECT plan.fairness_weight FROM billing_platform_subscription AS subscription "
                        "JOIN billing_platform_plan AS plan ON plan.code = subscription.plan_code "
                        "WHERE subscription.tenant_id = $1 AND subscription.status = 'active'",
                        tenant,
                    ),
                )
                or 1.0
            )
            self._known[tenant] = (weight, time.monotonic())
        return Priority(fairness_key=tenant, fairness_weight=weight)


def _attributes(workflow_id: str) -> TypedSearchAttributes:
    owner, module, business_key = workflow_id.split("/", 2)
    context = current_context()
    pairs = [
        SearchAttributePair(TENANT_ID, owner),
        SearchAttributePair(MODULE, module),
        SearchAttributePair(BUSINESS_KEY, business_key),
    ]
    if context.correlation_id:
        pairs.append(SearchAttributePair(CORRELATION_ID, context.correlation_id))
    if context.causation_id:
        pairs.append(SearchAttributePair(CAUSATION_ID, context.causation_id))
    return TypedSearchAttributes(pairs)


def _has_not_begun(error: RPCError) -> bool:
    """There is none, or its first task is not to come yet; of a process that is stuck, other words are said."""
    waits = error.status is RPCStatusCode.FAILED_PRECONDITION and "not scheduled yet" in error.message
    return waits or error.status is RPCStatusCode.NOT_FOUND


def _name(workflow: Callable[..., Any]) -> str:
    return str(getattr(workflow, "__qualname__", workflow)).split(".")[0]


def _named(error: RPCError | RuntimeError) -> Exception:
    # A client that has not connected yet says RuntimeError when nobody answers.
    if isinstance(error, RuntimeError):
        return WorkflowsUnavailable(reason=str(error)[:200])
    return WorkflowsUnavailable(reason=error.message) if error.status in _DOWN else error
