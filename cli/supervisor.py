"""Runs the platform's processes: starts them in order, restarts what dies, stops them in reverse order."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_RESTART_SECONDS = (0.1, 5.0)
_STOP_SECONDS = 20.0
_WAITERS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="waiter")


class ServiceFailed(Exception):
    """A process did not become ready; the message says where its log is."""


@dataclass(slots=True)
class Service:
    """One process. `ready` answers whether it serves; `stop` is the signal for an orderly end."""

    name: str
    command: list[str]
    ready: Callable[[], Awaitable[bool]]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop: signal.Signals = signal.SIGTERM
    patience_seconds: float = 30.0


class Supervisor:
    """A service that ends before it is told to is started again, at once at first, then less eagerly."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._running: dict[str, tuple[Service, asyncio.Task[None]]] = {}
        self.pids: dict[str, int] = {}
        self._stopping = False

    async def start(self, service: Service) -> None:
        """Start it and wait until it is ready. Raises ServiceFailed."""
        task = asyncio.create_task(self._keep(service), name=service.name)
        self._running[service.name] = (service, task)
        await self.wait_ready(service)

    async def wait_ready(self, service: Service) -> None:
        """Wait until it serves. Raises ServiceFailed."""
        deadline = asyncio.get_running_loop().time() + service.patience_seconds
        while not await service.ready():
            _, task = self._running[service.name]
            if task.done() or asyncio.get_running_loop().time() > deadline:
                raise ServiceFailed(f"{service.name} did not start; its log is {service.log}\n{_tail(service.log)}")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stop everything, last started first."""
        self._stopping = True
        for name in reversed(list(self._running)):
            service, task = self._running.pop(name)
            self._told(f"stopping {name}")
            self._signal(name, service.stop)
            try:
                await asyncio.wait_for(asyncio.shield(task), _STOP_SECONDS)
            except TimeoutError:
                self._told(f"{name} did not stop in {_STOP_SECONDS:.0f} s and is killed")
                self._signal(name, signal.SIGKILL)
                await task

    def _signal(self, name: str, signal_: signal.Signals) -> None:
        if name in self.pids:
            try:
                os.kill(self.pids[name], signal_)
            except ProcessLookupError:
                self.pids.pop(name, None)

    async def _keep(self, service: Service) -> None:
        pause, ceiling = _RESTART_SECONDS
        while not self._stopping:
            started = asyncio.get_running_loop().time()
            service.log.parent.mkdir(parents=True, exist_ok=True)
            with service.log.open("ab") as log:
                process = _spawn(service, log)
                self.pids[service.name] = process.pid
                code = await _ended(process)
                self.pids.pop(service.name, None)
            if self._stopping:
                return
            if asyncio.get_running_loop().time() - started > 30:
                pause = _RESTART_SECONDS[0]
            self._told(f"{service.name} ended with code {code} and is started again")
            await asyncio.sleep(pause)
            pause = min(pause * 2, ceiling)


def _spawn(service: Service, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        service.command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **service.env},
        user=service.user,
        # Ctrl-C reaches only us: the order in which things stop is ours to keep.
        start_new_session=True,
        preexec_fn=_end_with_parent(service.stop) if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def _end_with_parent(signal_: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal_)

    return ask


async def _ended(process: subprocess.Popen[bytes]) -> int:
    # Waiting may happen in a thread, forking may not: PR_SET_PDEATHSIG fires when the forking thread ends.
    # Threads of our own, one for each service: the loop's are few, and a death must not go unnoticed.
    return await asyncio.get_running_loop().run_in_executor(_WAITERS, process.wait)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
