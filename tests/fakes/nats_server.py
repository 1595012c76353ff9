"""A real NATS server with JetStream, for a test to kill and start again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nats
from conftest import free_port, until
from nats.js.errors import NotFoundError

from adapters.bus.nats import STREAM


@dataclass
class NatsServer:
    """A NATS server with JetStream that can be killed and started again on the same files."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = f"{Path(sys.executable).with_name('nats-server')} -js -a 127.0.0.1 -p {self.port} -sd {self.folder}"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*command.split(), *self.options], stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    async def accepts(self) -> None:
        async def connects() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.close()
            await writer.wait_closed()
            return True

        await until(connects, what="NATS")


async def without_stream(server: NatsServer) -> None:
    """Each store has the stream to itself."""
    await server.accepts()
    client = await nats.connect(server.url)
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(STREAM)
    await client.close()
