"""`harborgrid up` as a person runs it: it starts everything, ends with Ctrl-C, and goes on with its data."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from conftest import free_port
from integration.cli.harborgrid_command import PORTS, Told, run


@dataclass(slots=True)
class Place:
    """A folder and ports of its own for one platform."""

    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})

    @property
    def variables(self) -> dict[str, str]:
        """What `harborgrid` must be told to find it."""
        return {
            "HARBORGRID_DATA_DIR": str(self.folder / "data"),
            "HARBORGRID_API_PUBLIC_URL": f"http://127.0.0.1:{self.ports['HARBORGRID_API_PORT']}",
            "HARBORGRID_TEMPORAL_ADDRESS": f"127.0.0.1:{self.ports['HARBORGRID_TEMPORAL_PORT']}",
            **{name: str(port) for name, port in self.ports.items()},
        }

    async def harborgrid(self, *words: str) -> Told:
        """Run a command in it."""
        return await run(*words, folder=self.folder, **self.variables)

    def busy(self) -> list[str]:
        """Ports that something listens on."""
        return [name for name, port in self.ports.items() if _listens(port)]


@dataclass(slots=True)
class Run:
    """One `harborgrid up`, from its first line to its end."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def read_until(self, words: str) -> None:
        """Read on until a line says this."""
        assert self.process.stdout is not None
        async with asyncio.timeout(120):
            while not self.lines or words not in self.lines[-1]:
                line = await self.process.stdout.readline()
                assert line, f"it ended: {self.lines}"
                self.lines.append(line.decode())

    def shown(self, label: str) -> str:
        """What stands beside this label."""
        [found] = re.findall(rf"^{re.escape(label)} +(.+)$", "".join(self.lines), re.MULTILINE)
        return str(found)

    async def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(self.process.communicate(), 60)
        self.lines += [f"{line}\n" for line in out.decode().splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@asynccontextmanager
async def up(place: Place) -> AsyncIterator[Run]:
    """`harborgrid up`, once it says that it is."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "up"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=place.folder,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", **place.variables},
    )
    started = Run(process)
    try:
        await started.read_until("Ctrl-C stops everything")
        yield started
    finally:
        if process.returncode is None:
            await started.interrupt()


class TestUp:
    async def test_starts_stops_and_goes_on_with_its_data(self, tmp_path: Path) -> None:
        place = Place(tmp_path)

        async with up(place) as first:
            await self.is_complete(place, first)
            second = await place.harborgrid("up")
            code = await first.interrupt()

        assert (2, True) == (second.code, "another `harborgrid up` uses" in second.err)
        assert 0 == code
        assert "stopped; the data is kept" == first.lines[-1].strip()
        assert [] == place.busy()
        async with up(place) as again:
            assert first.shown("Demo tenant") == again.shown("Demo tenant")
            assert "was shown at the first start" == again.shown("Its API key (shown once)")
            await self.knows(place, first)
            replayed = await place.harborgrid(
                "events", "replay", "analytics.event_counts", "--tenant", first.shown("Demo tenant")
            )
            assert (0, "equal") == (replayed.code, replayed.out.splitlines()[-1].strip()), replayed
            assert 0 == await again.interrupt()
        assert [] == place.busy()

    async def is_complete(self, place: Place, started: Run) -> None:
        """The key works, every check is green, the lake answers."""
        await self.knows(place, started)
        tenant = started.shown("Demo tenant")
        doctor = await place.harborgrid("doctor")
        assert 0 == doctor.code, doctor.out
        asked = await place.harborgrid("sql", "--tenant", tenant, "SELECT 6 * 7 AS answer")
        assert (0, True) == (asked.code, "42" in asked.out), asked

    async def knows(self, place: Place, first: Run) -> None:
        """The key that was shown at the first start belongs to the demo tenant."""
        async with httpx.AsyncClient(base_url=place.variables["HARBORGRID_API_PUBLIC_URL"]) as http:
            answer = await http.get(
                "/v1/security/api-keys/current", headers={"X-API-Key": first.shown("Its API key (shown once)")}
            )
        assert first.shown("Demo tenant") == answer.json()["data"]["tenantId"]
