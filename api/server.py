"""The API process: uvicorn on uvloop and httptools."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from adapters.container import open_container
from adapters.kernel.memory import settle
from adapters.settings import Settings
from adapters.telemetry.logs import configure_logs
from adapters.telemetry.tracing import tracing
from api.app import create_app


def main(settings: Settings) -> None:
    """The `harborgrid api` command: serve until SIGINT or SIGTERM, then finish what is being answered."""
    configure_logs(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn raises a signal again when it has served, which would kill us before spans are sent."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(told, self.handle_exit, told, None)
        yield


async def _serve(settings: Settings) -> None:
    with tracing(settings, "harborgrid-api"):
        async with open_container(settings, process="api") as container:
            app = create_app(container)
            settle()
            config = uvicorn.Config(
                app,
                host=settings.api_host,
                port=settings.api_port,
                http="httptools",
                access_log=False,
                log_config=None,
                server_header=False,
                # Nothing here believes what a forwarded header says of the caller.
                proxy_headers=False,
                timeout_graceful_shutdown=10,
            )
            await _Server(config).serve()
