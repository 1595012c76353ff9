"""Records histories for the replay test from a platform that runs: `python tests/replay/record.py NAME WORKFLOW_ID`.

Payloads are stored decoded, so that a replay needs no keys. Settings come from the environment, as for any command.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory
from temporalio.converter import PayloadCodec

from adapters.container import open_container
from adapters.temporal.codec import TenantCodec
from cli.environment import complete_settings

HISTORIES = Path(__file__).parent / "histories"


async def record(name: str, history: WorkflowHistory, codec: PayloadCodec) -> Path:
    """Write `histories/<name>.json`; names begin with the workflow's type."""
    proto = History(events=history.events)
    for payload in payloads_in(proto):
        [plain] = await codec.decode([payload])
        payload.CopyFrom(plain)
    path = HISTORIES / f"{name}.json"
    path.write_text(WorkflowHistory(history.workflow_id, list(proto.events)).to_json() + "\n")
    return path


def payloads_in(message: Message) -> Iterator[Payload]:
    """Every payload anywhere inside a message."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is None:
                continue
            parts = list(value.values())
        else:
            parts = list(value) if field.is_repeated else [value]
        for part in parts:
            if isinstance(part, Payload):
                yield part
            else:
                yield from payloads_in(part)


async def _main(name: str, workflow_id: str) -> None:
    async with open_container(complete_settings(), process="record", lazy=False) as container:
        history = await container.temporal.get_workflow_handle(workflow_id).fetch_history()
        print(await record(name, history, TenantCodec(container.keys)))  # noqa: T201 - a command


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
