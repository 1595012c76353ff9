"""Puts a story together: events from the store, workflows and their activities from Temporal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import orjson
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.bus.store import PostgresEventReader
from domain.bus.errors import TraceNotFound
from domain.bus.event import RecordedEvent
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload

_RPC = timedelta(seconds=3)
_WORKFLOWS = 50
_LOCAL_ACTIVITY = "core_local_activity"
_ENDED = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "completed",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "failed",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "timed_out",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED: "cancelled",
}


class NodeKind(StrEnum):
    """What a node of the story is."""

    EVENT = "event"
    WORKFLOW = "workflow"
    ACTIVITY = "activity"


class Node(Payload):
    """One part of a story and what it caused. `id` is an event id, a workflow id or `<workflow id>#<activity id>`."""

    kind: NodeKind
    id: str
    name: str
    status: str
    at: datetime
    attempts: int = 1
    caused: tuple[Node, ...] = ()


class Trace(Payload):
    """A story. `complete` is false when the workflow service could not be asked, or knows more workflows than fit."""

    correlation_id: str
    complete: bool
    roots: tuple[Node, ...]


class TraceReader:
    """Reads stories as a tenant, or as the operator."""

    def __init__(self, events: PostgresEventReader, temporal: Client) -> None:
        self._events, self._temporal = events, temporal

    async def trace(self, tenant: TenantId | None, correlation_id: str) -> Trace:
        """Raises TraceNotFound."""
        events = await self._events.story(tenant, correlation_id)
        if not events:
            raise TraceNotFound(correlation_id=correlation_id)
        nodes = [(event.metadata.causation_id, _of_event(event)) for event in events]
        try:
            told = await self._workflows(tenant, correlation_id)
        except (RPCError, RuntimeError):
            complete = False
        else:
            complete = sum(node.kind is NodeKind.WORKFLOW for _, node in told) < _WORKFLOWS
            nodes += told
        return Trace(correlation_id=correlation_id, complete=complete, roots=_tree(nodes))

    async def _workflows(self, tenant: TenantId | None, correlation_id: str) -> list[tuple[str | None, Node]]:
        quoted = correlation_id.replace("\\", "\\\\").replace("'", "\\'")
        query = f"CorrelationId = '{quoted}'" + (f" AND TenantId = '{tenant}'" if tenant else "")
        nodes: list[tuple[str | None, Node]] = []
        async for found in self._temporal.list_workflows(query, limit=_WORKFLOWS, rpc_timeout=_RPC):
            cause = found.search_attributes.get("CausationId") or [None]
            node = Node(
                kind=NodeKind.WORKFLOW,
                id=found.id,
                name=found.workflow_type,
                status=found.status.name.lower() if found.status else "unknown",
                at=found.start_time,
            )
            nodes.append((str(cause[0]) if cause[0] else None, node))
            history = self._temporal.get_workflow_handle(found.id, run_id=found.run_id)
            steps = [event async for event in history.fetch_history_events(rpc_timeout=_RPC, skip_archival=True)]
            nodes += [(found.id, step) for step in _activities(found.id, steps)]
        return nodes


def _of_event(event: RecordedEvent) -> Node:
    return Node(kind=NodeKind.EVENT, id=event.id, name=event.type, status="recorded", at=event.timestamp)


def _activities(workflow_id: str, history: Sequence[HistoryEvent]) -> list[Node]:
    return [*_of_the_server(workflow_id, history), *_local(workflow_id, history)]


def _local(workflow_id: str, history: Sequence[HistoryEvent]) -> list[Node]:
    """Activities within a workflow task: Temporal's core library leaves a marker when one has ended."""
    markers = [
        event.marker_recorded_event_attributes
        for event in history
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
        and event.marker_recorded_event_attributes.marker_name == _LOCAL_ACTIVITY
    ]
    nodes = []
    for marker in markers:
        known = orjson.loads(marker.details["data"].payloads[0].data)
        at = known["original_schedule_time"] or known["complete_time"]
        nodes.append(
            Node(
                kind=NodeKind.ACTIVITY,
                id=f"{workflow_id}#{known['activity_id']}",
                name=known["activity_type"],
                status="failed" if marker.HasField("failure") else "completed",
                at=datetime.fromtimestamp(at["seconds"] + at["nanos"] / 1e9, UTC),
                attempts=known["attempt"],
            )
        )
    return nodes


def _of_the_server(workflow_id: str, history: Sequence[HistoryEvent]) -> list[Node]:
    scheduled = {
        event.event_id: event for event in history if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    attempts: dict[int, int] = defaultdict(lambda: 1)
    ended: dict[int, str] = {}
    for event in history:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            attempts[started.scheduled_event_id] = started.attempt
        elif event.event_type in _ENDED:
            # The attribute's name differs by type, the field in it does not.
            attributes = getattr(event, event.WhichOneof("attributes") or "")
            ended[attributes.scheduled_event_id] = _ENDED[event.event_type]
    return [
        Node(
            kind=NodeKind.ACTIVITY,
            id=f"{workflow_id}#{event.activity_task_scheduled_event_attributes.activity_id}",
            name=event.activity_task_scheduled_event_attributes.activity_type.name,
            status=ended.get(number, "running"),
            at=event.event_time.ToDatetime(tzinfo=UTC),
            attempts=attempts[number],
        )
        for number, event in scheduled.items()
    ]


def _tree(nodes: Sequence[tuple[str | None, Node]]) -> tuple[Node, ...]:
    known = {node.id for _, node in nodes}
    children: dict[str | None, list[Node]] = defaultdict(list)
    for cause, node in nodes:
        children[cause if cause in known else None].append(node)

    def grown(node: Node) -> Node:
        below = sorted(children[node.id], key=lambda child: child.at)
        return node.model_copy(update={"caused": tuple(grown(child) for child in below)})

    return tuple(grown(root) for root in sorted(children[None], key=lambda child: child.at))
