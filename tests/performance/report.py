"""A figure, and the page that figures make."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio: what was measured, against which baseline of the same run, and whether the goal is met."""

    what: str
    baseline: str
    measured: str
    ratio: float
    goal: str
    met: bool

    @classmethod
    def of_ratio(
        cls, *, what: str, baseline: str, measured: str, ratio: float, least: float = 0, most: float = math.inf
    ) -> Figure:
        """One whose goal is the ratio itself: at least or at most so much."""
        goal = f"at least {least:.0%}" if least else f"at most {most:g}x"
        return cls(what, baseline, measured, ratio, goal, met=least <= ratio <= most)


def page(figures: Sequence[Figure]) -> str:
    """`docs/performance.md`."""
    rows = [
        f"| {figure.what} | {figure.baseline} | {figure.measured} | {figure.ratio:.2f} | {figure.goal} | "
        f"{'yes' if figure.met else '**no**'} |"
        for figure in figures
    ]
    return "\n".join([_HEADING.format(machine=_machine()), *rows, ""])


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


_HEADING = """# Performance

Written by `make bench`. Absolute figures depend on the machine; the ratios compare two things measured in turns
in the same run, so they say what the product costs on top of its baseline. Load generator, product, PostgreSQL and
Temporal share the machine.

Last run: {machine}.

| What | Baseline | Measured | Ratio | Goal | Met |
|---|---|---|---|---|---|"""
