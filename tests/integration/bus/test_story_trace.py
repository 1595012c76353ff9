"""A story is told from its first event through workflow and activities to its last event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from conftest import Stack, Tenant, free_port, serving, until

from adapters.container import open_container
from domain.bus.errors import TraceNotFound

STORY = """\
event workflow.onboarding.requested recorded
  workflow sagas.onboarding completed
    activity billing.create_subscription completed
      event billing.subscription.created recorded
    activity security.provision_tenant completed
      event security.tenant.provisioned recorded
    activity analytics.initialize_dashboard completed
      event analytics.dashboard.created recorded
    activity notifications.send_welcome_email completed
      event notification.sent recorded
    activity automation.finish_onboarding completed
      event workflow.onboarding.completed recorded"""


def lines(node: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """The tree as an indented text."""
    yield f"{'  ' * depth}{node['kind']} {node['name']} {node['status']}"
    for child in node["caused"]:
        yield from lines(child, depth + 1)


def told(trace: dict[str, Any]) -> str:
    """The whole story."""
    return "\n".join(line for root in trace["roots"] for line in lines(root))


class TestTrace:
    async def test_leads_from_event_to_workflow_to_activity_to_event(self, tenant: Tenant) -> None:
        path = f"/v1/bus/traces/{tenant.onboarding_id}"

        async def ended() -> dict[str, Any] | None:
            # Temporal's list of workflows follows their end by a moment.
            trace: dict[str, Any] = await tenant.get(path)
            return trace if "running" not in told(trace) else None

        trace = await until(ended, what="the workflow's end in Temporal's list")

        assert told(trace) == STORY
        assert trace["complete"]

    async def test_says_that_it_is_not_complete_while_temporal_is_down(self, stack: Stack, tenant: Tenant) -> None:
        cut_off = stack.settings.model_copy(update={"temporal_address": f"127.0.0.1:{free_port()}"})
        async with (
            open_container(cut_off, process="cut-off") as container,
            serving(container) as url,
            httpx.AsyncClient(base_url=url, timeout=30) as http,
        ):
            answer = await http.get(f"/v1/bus/traces/{tenant.onboarding_id}", headers=tenant.headers)

        trace = answer.json()["data"]
        assert trace["complete"] is False
        assert told(trace).count("event ") == 6
        assert "workflow sagas" not in told(trace)

    async def test_is_nothing_to_another_tenant(self, tenant: Tenant, neighbour: Tenant) -> None:
        answer = await tenant.http.get(f"/v1/bus/traces/{tenant.onboarding_id}", headers=neighbour.headers)

        assert (404, TraceNotFound.code) == (answer.status_code, answer.json()["error"]["code"])
