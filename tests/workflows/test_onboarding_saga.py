"""The saga by itself: steps are handed in, and remember what they were asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from conftest import Stack, until
from fakes.onboarding import onboarding_request
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from domain.automation.commands import FinishOnboarding
from domain.automation.model import OnboardingResult, StepName, StepState
from workflows.sagas.onboarding import OnboardingSaga, workflow_id

_queues = count(1)

UNDO = {
    StepName.CREATE_SUBSCRIPTION: "billing.cancel_subscription",
    StepName.PROVISION_TENANT: "security.deprovision_tenant",
    StepName.INITIALIZE_DASHBOARD: "analytics.delete_dashboard",
}
DO = [step.value for step in StepName]


class Steps:
    """Every activity of the saga. `refuses` fails for good, `waits` hangs until it is cancelled."""

    def __init__(self, *, refuses: str = "", waits: str = "", stumbles: str = "") -> None:
        self.refuses, self.waits, self.stumbles = refuses, waits, stumbles
        self.asked: list[str] = []
        self.finished: list[FinishOnboarding] = []

    def all(self) -> list[Any]:
        """As a worker takes them."""
        return [self._step(name) for name in (*DO, *UNDO.values())] + [self._finish()]

    def _step(self, name: str) -> Any:
        @activity.defn(name=name)
        async def step(_: dict[str, Any]) -> None:
            self.asked.append(name)
            if name == self.refuses:
                raise ApplicationError("no", type="test.refused", non_retryable=True)
            if name == self.stumbles and self.asked.count(name) < 3:
                raise ApplicationError("not yet", type="test.unavailable")
            if name == self.waits:
                await _for_ever()

        return step

    def _finish(self) -> Any:
        @activity.defn(name="automation.finish_onboarding")
        async def finish(cmd: FinishOnboarding) -> None:
            self.finished.append(cmd)

        return finish


async def _for_ever() -> None:
    import asyncio  # noqa: PLC0415

    await asyncio.Event().wait()


@asynccontextmanager
async def saga_with(stack: Stack, steps: Steps) -> AsyncIterator[WorkflowHandle[Any, OnboardingResult]]:
    """A running saga on these steps."""
    queue = f"saga-{next(_queues)}"
    request = onboarding_request()
    client = stack.container.temporal
    async with Worker(client, task_queue=queue, workflows=[OnboardingSaga], activities=steps.all()):
        yield await client.start_workflow(
            OnboardingSaga.run, request, id=workflow_id(request.tenant_id, request.onboarding_id), task_queue=queue
        )


class TestOnboardingSaga:
    async def test_does_every_step_once_and_in_order(self, stack: Stack) -> None:
        steps = Steps()

        async with saga_with(stack, steps) as saga:
            result = await saga.result()

        assert OnboardingResult(completed=True) == result
        assert steps.asked == DO
        assert [True] == [cmd.completed for cmd in steps.finished]

    @pytest.mark.parametrize("failing", list(StepName), ids=[step.value for step in StepName])
    async def test_undoes_what_it_promised_last_first(self, stack: Stack, failing: StepName) -> None:
        steps = Steps(refuses=failing)

        async with saga_with(stack, steps) as saga:
            result = await saga.result()

        begun = DO[: DO.index(failing) + 1]
        undone = [UNDO[step] for step in reversed(StepName) if step in begun and step in UNDO]
        assert steps.asked == [*begun, *undone]
        assert result.error_code == "test.refused"
        assert [(False, failing, "test.refused")] == [
            (cmd.completed, cmd.failed_step, cmd.error_code) for cmd in steps.finished
        ]

    @pytest.mark.parametrize("waiting", list(StepName), ids=[step.value for step in StepName])
    async def test_settles_the_running_step_before_it_undoes_on_cancel(self, stack: Stack, waiting: StepName) -> None:
        steps = Steps(waits=waiting)

        async with saga_with(stack, steps) as saga:
            await until(_asked(steps, waiting), what=waiting)
            await saga.signal(OnboardingSaga.cancel, "changed our mind")
            result = await saga.result()

        undone = [UNDO[step] for step in reversed(StepName) if step in UNDO and DO.index(step) <= DO.index(waiting)]
        assert steps.asked[-len(undone) :] == undone
        assert ("workflow.onboarding_cancelled", "changed our mind") == (result.error_code, result.reason)

    async def test_undoes_everything_when_an_operator_cancels_the_workflow(self, stack: Stack) -> None:
        steps = Steps(waits=StepName.INITIALIZE_DASHBOARD)

        async with saga_with(stack, steps) as saga:
            await until(_asked(steps, StepName.INITIALIZE_DASHBOARD), what="the third step")
            await saga.cancel()
            await until(_finished(steps), what="the books to be closed")

        assert steps.asked[-3:] == list(reversed(UNDO.values()))

    async def test_does_not_give_up_undoing(self, stack: Stack) -> None:
        steps = Steps(refuses=StepName.SEND_WELCOME_EMAIL, stumbles="security.deprovision_tenant")

        async with saga_with(stack, steps) as saga:
            result = await saga.result()

        assert 3 == steps.asked.count("security.deprovision_tenant")
        assert steps.asked[-1] == "billing.cancel_subscription"
        assert not result.completed

    async def test_tells_each_steps_state_while_it_runs(self, stack: Stack) -> None:
        steps = Steps(waits=StepName.PROVISION_TENANT)

        async with saga_with(stack, steps) as saga:
            await until(_asked(steps, StepName.PROVISION_TENANT), what="the second step")
            progress = await saga.query(OnboardingSaga.progress)
            await saga.signal(OnboardingSaga.cancel, "enough")
            await saga.result()

        assert [StepState.DONE, StepState.RUNNING, StepState.PENDING, StepState.PENDING] == list(
            progress.steps.values()
        )
        assert "security.provision_tenant" in progress.next


def _asked(steps: Steps, name: str) -> Any:
    async def asked() -> bool:
        return name in steps.asked

    return asked


def _finished(steps: Steps) -> Any:
    async def finished() -> bool:
        return bool(steps.finished)

    return finished
