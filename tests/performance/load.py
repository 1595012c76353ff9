"""A load generator: keep-alive connections that send one prepared request after another.

Runs in a process of its own, `python -m performance.load HOST PORT`, with the job as JSON on standard input,
so that its work is not counted as the server's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from typing import Any

import httptools
import uvloop


class Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete."""

    def __init__(self, requests: list[bytes], deadline: float, done: asyncio.Future[None]) -> None:
        self._requests, self._deadline, self._done = requests, deadline, done
        self._next = 0
        self.statuses: dict[int, int] = {}
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """A whole answer."""
        status = self._parser.get_status_code()
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """The end."""
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        if self._next == len(self._requests) or time.monotonic() > self._deadline:
            self._transport.close()
            return
        self._transport.write(self._requests[self._next])
        self._next += 1


async def run(host: str, port: int, job: dict[str, Any]) -> dict[str, Any]:
    """Send `requests` (base64) over `connections` for at most `seconds`; answers per second and by status."""
    requests = [base64.b64decode(request) for request in job["requests"]]
    share = len(requests) // job["connections"]
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    ends = []
    protocols = []
    for number in range(job["connections"]):
        end: asyncio.Future[None] = loop.create_future()
        mine = requests[number * share : (number + 1) * share]
        _, protocol = await loop.create_connection(
            lambda mine=mine, end=end: Connection(mine, started + job["seconds"], end),  # type: ignore[misc]
            host,
            port,
        )
        ends.append(end)
        protocols.append(protocol)
    await asyncio.gather(*ends)
    elapsed = time.monotonic() - started
    statuses: dict[int, int] = {}
    for protocol in protocols:
        for status, count in protocol.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    return {"per_second": sum(statuses.values()) / elapsed, "statuses": statuses}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(sys.argv[1], int(sys.argv[2]), json.load(sys.stdin)))))  # noqa: T201
