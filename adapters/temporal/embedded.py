"""The embedded Temporal server: the real development server, with the settings that make it quick."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

SQLITE = {"journal_mode": "WAL", "synchronous": "NORMAL"}
"""Without these every commit waits for the disk twice: four times slower."""

DYNAMIC = {
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.visibilityProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "history.timerProcessorSchedulerWorkerCount": "2",
    "history.transferProcessorSchedulerWorkerCount": "8",
    "matching.enableFairness": "true",
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": "2",
}
"""The poll rates save a 50 ms wait per step, the time shift up to a second per timer, which only servers with several
clocks need; fairness shares busy workers between tenants. Of a thousand timers that are due at once, 512 schedulers all
stood in line for the one database, and no workflow task reached a worker before the last of them: so few of them keep
what timers set off, and what workers do, in step."""


@dataclass(frozen=True, slots=True)
class EmbeddedTemporal:
    """One server; `database` None keeps everything in memory."""

    port: int
    ui_port: int | None
    namespace: str
    database: Path | None = None
    codec_url: str = ""

    def command(self) -> list[str]:
        """The server process; SIGTERM is its orderly shutdown."""
        command = [str(Path(sys.executable).parent / "temporal"), "server", "start-dev", "--ip", "127.0.0.1"]
        command += ["--port", str(self.port), "--namespace", self.namespace, "--log-level", "warn"]
        command += (
            ["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch"]
        )
        if self.codec_url:
            command += ["--ui-codec-endpoint", self.codec_url]
        if self.database is not None:
            command += ["--db-filename", str(self.database)]
            for name, value in SQLITE.items():
                command += ["--sqlite-pragma", f"{name}={value}"]
        for name, value in DYNAMIC.items():
            command += ["--dynamic-config-value", f"{name}={value}"]
        return command
