"""The API process: uvicorn on uvloop and httptools."""

from __future__ import annotations

import asyncio
import gc

import uvicorn
import uvloop

from adapters.container import open_container
from adapters.settings import Settings
from adapters.telemetry.logs import configure_logs
from adapters.telemetry.tracing import tracing
from api.app import create_app


def main(settings: Settings) -> None:
    """The `harborgrid api` command: serve until SIGINT or SIGTERM, then finish what is being answered."""
    configure_logs(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    with tracing(settings, "harborgrid-api"):
        async with open_container(settings, process="api") as container:
            app = create_app(container)
            # What is there now stays; the collector need not look at it again and again (12 us per request).
            gc.collect()
            gc.freeze()
            config = uvicorn.Config(
                app,
                host=settings.api_host,
                port=settings.api_port,
                http="httptools",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=10,
            )
            await uvicorn.Server(config).serve()
