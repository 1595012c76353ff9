"""A worker that is told to stop lets its activities finish: nothing is done twice because of a deployment."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import running_stack, until

from adapters.notifications.mailbox import Mailbox, smtp_server
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.settings import Settings
from adapters.temporal.embedded import EmbeddedTemporal
from worker import main
from worker.main import run_worker


class SlowMailbox(Mailbox):
    """Thinks about a message until it is told to take it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.thinking, self.decided = asyncio.Event(), asyncio.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Called by aiosmtpd when a message has come."""
        self.thinking.set()
        await self.decided.wait()
        return await super().handle_DATA(server, session, envelope)


async def test_a_worker_that_is_not_let_go_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one whose database is gone does not end by itself: its workflow tasks wait for the database to come back."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    async def stuck(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(main, "run_worker", stuck)
    monkeypatch.setattr(main, "_TO_END", 0.0)
    monkeypatch.setattr(os, "_exit", ended.set_result)
    worker = asyncio.create_task(main._until_told(Settings(worker_shutdown_grace_seconds=0)))
    await asyncio.sleep(0)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        code = await asyncio.wait_for(ended, 10)
    finally:
        worker.cancel()
        for told in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(told)

    assert code == 1


async def test_a_stopping_worker_lets_its_activity_finish(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
) -> None:
    mailbox = SlowMailbox(tmp_path / "slow-mail")
    async with (
        smtp_server(mailbox, "127.0.0.1", 0) as smtp_port,
        running_stack(
            postgres,
            temporal,
            tmp_path,
            work=False,
            smtp_port=smtp_port,
            worker_shutdown_grace_seconds=20.0,
        ) as stack,
    ):
        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(stack.settings, stop))
        accepted = await stack.onboard()
        await asyncio.wait_for(mailbox.thinking.wait(), 30)

        stop.set()
        done, _ = await asyncio.wait({worker}, timeout=1)
        waited = not done
        mailbox.decided.set()
        await asyncio.wait_for(worker, 20)

        stop.clear()
        successor = asyncio.create_task(run_worker(stack.settings, stop))
        view = await stack.finished(accepted["id"])

        async def mail_step() -> dict[str, Any] | None:
            trace = await stack.http.get(f"/v1/bus/traces/{accepted['id']}", headers=stack.operator)
            return _find(trace.json()["data"]["roots"], "notifications.send_welcome_email")

        step = await until(mail_step, what="the step in the trace")
        stop.set()
        await successor

    assert waited, "it ended although its activity ran"
    assert view["status"] == "completed"
    assert (step["status"], step["attempts"]) == ("completed", 1)


def _find(nodes: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    for node in nodes:
        found = node if node["name"] == name else _find(node["caused"], name)
        if found is not None:
            return found
    return None
