"""`make bench`: run every benchmark, print the figures, write docs/performance.md."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from adapters.settings import Settings
from adapters.telemetry.logs import configure_logs
from performance import access, audit, billing, bus, http, saga, sigma, simulation, tokens, usage
from performance.report import Figure, page

# What writes most comes last: the disk is busy for a while after it.
BENCHMARKS = {
    "saga": saga.measure,
    "http": http.measure,
    "access": access.measure,
    "tokens": tokens.measure,
    "sigma": sigma.measure,
    "audit": audit.measure,
    "usage": usage.measure,
    "billing": billing.measure,
    "simulation": simulation.measure,
    "bus": bus.measure,
}


async def main(names: list[str], console: Console) -> list[Figure]:
    """Run these benchmarks, each in a folder of its own."""
    figures: list[Figure] = []
    for name in names or list(BENCHMARKS):
        with tempfile.TemporaryDirectory(prefix="harborgrid-bench-") as folder, console.status(name):
            os.chmod(folder, 0o755)  # noqa: PTH101 - PostgreSQL runs as another user when we are root
            figures += await BENCHMARKS[name](Path(folder))
    return figures


if __name__ == "__main__":
    configure_logs(Settings(log_level="ERROR"))
    out = Console(width=150)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(main(sys.argv[1:], out))
    table = Table("what", "baseline", "measured", "ratio", "goal", "met")
    for figure in found:
        table.add_row(
            figure.what,
            figure.baseline,
            figure.measured,
            f"{figure.ratio:.2f}",
            figure.goal,
            "yes" if figure.met else "NO",
        )
    out.print(table)
    if len(sys.argv) == 1:
        Path("docs/performance.md").write_text(page(found))
