"""The `harborgrid` command as a process of its own, beside a platform that runs."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from conftest import Stack

from cli.up import as_environment

PORTS = (
    "HARBORGRID_API_PORT",
    "HARBORGRID_TEMPORAL_PORT",
    "HARBORGRID_TEMPORAL_UI_PORT",
    "HARBORGRID_POSTGRES_PORT",
    "HARBORGRID_SMTP_PORT",
    "HARBORGRID_MAILBOX_PORT",
    "HARBORGRID_PAYMENT_SIMULATOR_PORT",
    "HARBORGRID_WORKER_METRICS_PORT",
    "HARBORGRID_WORKER_SDK_METRICS_PORT",
)
"""Where `harborgrid up` listens."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


async def harborgrid(stack: Stack, *words: str, stdin: str = "", **variables: str) -> Told:
    """Run the command set up for this stack and its operator; `variables` replace those of the stack."""
    known = {
        **as_environment(stack.settings),
        "HARBORGRID_API_PUBLIC_URL": stack.url,
        "HARBORGRID_API_KEY": stack.operator_key,
    }
    return await run(*words, stdin=stdin, folder=stack.settings.data_dir, **{**known, **variables})


async def run(*words: str, stdin: str = "", folder: Path, **variables: str) -> Told:
    """Run it in this folder, with no other HARBORGRID_ variables than these. Raises TimeoutError after a minute."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        # A wide terminal, so that tables do not fold what is looked for.
        env={**os.environ, "COLUMNS": "400", "NO_COLOR": "1", **variables},
    )
    try:
        async with asyncio.timeout(60):
            out, err = await process.communicate(stdin.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Told(process.returncode, out.decode(), err.decode())
