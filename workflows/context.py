"""Carries tenant, actor and correlation id through workflows, and marks what each activity causes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload as WirePayload
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    Interceptor,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from domain.kernel.context import Context

HEADER = "harborgrid-context"


def to_header(context: Context) -> WirePayload:
    """The context as it travels in a Temporal header: ids only, so it is left readable."""
    return WirePayload(metadata={"encoding": b"json/plain"}, data=context.model_dump_json(exclude_none=True).encode())


def from_header(headers: Mapping[str, WirePayload]) -> Context:
    """The context in a header; empty if there is none."""
    carried = headers.get(HEADER)
    return Context.model_validate_json(carried.data) if carried else Context()


class ContextInterceptor(Interceptor):
    """The workflow side; the activity side is adapters/temporal/interceptors.py."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """Give every workflow a courier."""
        return _Inbound


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self._courier = _Outbound(outbound)
        super().init(self._courier)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        self._courier.context = from_header(input.headers)
        return await super().execute_workflow(input)


class _Outbound(WorkflowOutboundInterceptor):
    context = Context()

    def _carry(self, headers: Mapping[str, WirePayload]) -> dict[str, WirePayload]:
        caused = self.context.model_copy(update={"causation_id": workflow.info().workflow_id})
        return {**headers, HEADER: to_header(caused)}

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = self._carry(input.headers)
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        input.headers = self._carry(input.headers)
        return super().start_local_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> workflow.ChildWorkflowHandle[Any, Any]:
        input.headers = self._carry(input.headers)
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> Any:
        input.headers = {**input.headers, HEADER: to_header(self.context)}
        super().continue_as_new(input)
