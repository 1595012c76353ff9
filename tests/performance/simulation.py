"""A simulated year of many customers on the real processes, against customers who live one after another."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean

from platforms import Platform, running_platform
from rich.console import Console

from cli.environment import operator_key_path
from cli.simulate import Simulation
from performance.report import Figure

MONTHS, CUSTOMERS, ALONE, GOAL = 12, 10, 3, 120


async def measure(folder: Path) -> list[Figure]:
    """Onboarding of the tenant, every step of every process, and the audit at the end included."""
    async with running_platform(folder) as platform:
        alone = mean([await _rate(platform, 1, seed) for seed in range(ALONE)])
        together = await _rate(platform, CUSTOMERS, ALONE)
    return [
        Figure(
            what=f"Simulated life of {CUSTOMERS} customers for {MONTHS} months, audited",
            baseline="one customer at a time",
            measured=f"{together:,.0f} customer-months a minute against {alone:,.0f}",
            ratio=together / alone,
            goal=f"a year of {CUSTOMERS} in a minute: {GOAL} customer-months",
            met=together >= GOAL,
        )
    ]


async def _rate(platform: Platform, customers: int, seed: int) -> float:
    """Customer-months a minute."""
    settings = platform.up.settings
    bank = f"http://127.0.0.1:{settings.payment_simulator_port}"
    simulation = Simulation(MONTHS, customers, seed, settings.api_public_url, bank)
    simulation.console = Console(quiet=True)
    began = time.perf_counter()
    assert 0 == await simulation.run(operator_key_path(settings).read_text().strip()), "the audit finds nothing wrong"
    return 60 * customers * MONTHS / (time.perf_counter() - began)
