"""The supervisor: starts in order, restarts what dies, stops in reverse order, and says why something did not start."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from conftest import until

from cli.supervisor import Service, ServiceFailed, Supervisor

SERVES = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('here'); time.sleep(600)"
FAILS = "print('first line'); print('the port is taken'); raise SystemExit(3)"


def service(folder: Path, name: str, code: str = SERVES, *, patience_seconds: float = 20) -> Service:
    """A Python program that is ready when it has written its file."""
    marker = folder / f"{name}.ready"

    async def ready() -> bool:
        return marker.exists()

    return Service(
        name=name,
        command=[sys.executable, "-c", code, str(marker)],
        ready=ready,
        log=folder / "logs" / f"{name}.log",
        patience_seconds=patience_seconds,
    )


@pytest.fixture
def told() -> list[str]:
    """What the supervisor said."""
    return []


@pytest.fixture
async def supervisor(told: list[str]) -> AsyncIterator[Supervisor]:
    """A supervisor that is stopped at the end."""
    made = Supervisor(told.append)
    yield made
    await made.stop()


class TestStart:
    async def test_waits_until_the_service_is_ready(self, supervisor: Supervisor, tmp_path: Path) -> None:
        await supervisor.start(service(tmp_path, "one"))

        assert (tmp_path / "one.ready").exists()
        assert {"one"} == supervisor.pids.keys()

    async def test_gives_the_service_its_variables(self, supervisor: Supervisor, tmp_path: Path) -> None:
        polite = service(tmp_path, "polite", SERVES.replace("'here'", "__import__('os').environ['GREETING']"))
        polite.env = {"GREETING": "hello"}

        await supervisor.start(polite)

        async def greeting() -> str:
            return (tmp_path / "polite.ready").read_text()

        assert "hello" == await until(greeting)

    async def test_that_fails_shows_the_end_of_the_log(
        self, supervisor: Supervisor, told: list[str], tmp_path: Path
    ) -> None:
        with pytest.raises(ServiceFailed) as failure:
            await supervisor.start(service(tmp_path, "broken", FAILS, patience_seconds=2))

        assert f"its log is {tmp_path / 'logs' / 'broken.log'}" in str(failure.value)
        assert "the port is taken" == str(failure.value).splitlines()[-1]
        assert "broken ended with code 3 and is started again" == told[0]


class TestKeep:
    async def test_starts_a_killed_service_again(self, supervisor: Supervisor, told: list[str], tmp_path: Path) -> None:
        await supervisor.start(service(tmp_path, "mortal"))
        first = supervisor.pids["mortal"]

        os.kill(first, signal.SIGKILL)

        async def is_back() -> bool:
            return supervisor.pids.get("mortal", first) != first

        await until(is_back, what="the second life")
        assert ["mortal ended with code -9 and is started again"] == told

    async def test_leaves_the_others_alone(self, supervisor: Supervisor, tmp_path: Path) -> None:
        await supervisor.start(service(tmp_path, "mortal"))
        await supervisor.start(service(tmp_path, "steady"))
        mortal, steady = supervisor.pids["mortal"], supervisor.pids["steady"]

        os.kill(mortal, signal.SIGKILL)

        async def is_back() -> bool:
            return supervisor.pids.get("mortal", mortal) != mortal

        await until(is_back, what="the second life")
        assert steady == supervisor.pids["steady"]


class TestStop:
    async def test_ends_everything_last_started_first(self, told: list[str], tmp_path: Path) -> None:
        supervisor = Supervisor(told.append)
        for name in ("database", "server", "client"):
            await supervisor.start(service(tmp_path, name))
        pids = list(supervisor.pids.values())

        await supervisor.stop()

        assert ["stopping client", "stopping server", "stopping database"] == told
        assert {} == supervisor.pids
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    async def test_does_not_start_again_what_it_stopped(self, told: list[str], tmp_path: Path) -> None:
        supervisor = Supervisor(told.append)
        await supervisor.start(service(tmp_path, "one"))

        await supervisor.stop()
        await supervisor.stop()

        assert ["stopping one"] == told
