"""Workflows that run today must go on tomorrow: recorded histories replay on the current code."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from adapters.temporal.plugin import runner
from domain.automation.commands import RequestOnboarding
from workflows.context import ContextInterceptor
from workflows.registry import WORKFLOWS

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def history(path: Path) -> WorkflowHistory:
    """A recorded history; its file's name begins with the workflow's type."""
    return WorkflowHistory.from_json(f"replayed/{path.stem}", path.read_text())


def replayer(*workflows: type) -> Replayer:
    """Replays in the sandbox, with plain payloads."""
    return Replayer(
        workflows=workflows,
        data_converter=pydantic_data_converter,
        interceptors=[ContextInterceptor()],
        workflow_runner=runner(sandbox=True),
    )


class TestReplay:
    @pytest.mark.parametrize("path", HISTORIES, ids=[path.stem for path in HISTORIES])
    async def test_a_recorded_run_goes_the_same_way_today(self, path: Path) -> None:
        await replayer(*WORKFLOWS).replay_workflow(history(path))

    @pytest.mark.parametrize("kind", WORKFLOWS, ids=[kind.__name__ for kind in WORKFLOWS])
    def test_every_workflow_has_a_recorded_run(self, kind: type) -> None:
        definition = workflow._Definition.must_from_class(kind)

        assert [path for path in HISTORIES if path.stem.startswith(f"{definition.name}.")]

    async def test_a_changed_order_of_steps_is_noticed(self) -> None:
        [recorded, *_] = [path for path in HISTORIES if path.stem.startswith("sagas.onboarding.completed")]

        with pytest.raises(NondeterminismError):
            await replayer(ShuffledSaga).replay_workflow(history(recorded))


@workflow.defn(name="sagas.onboarding", sandboxed=False)
class ShuffledSaga:
    """Begins with the last step."""

    @workflow.run
    async def run(self, request: RequestOnboarding) -> None:
        from datetime import timedelta  # noqa: PLC0415

        await workflow.execute_activity(
            "notifications.send_welcome_email", request, start_to_close_timeout=timedelta(seconds=5)
        )
