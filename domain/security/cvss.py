"""CVSS: how severe a vulnerability is, from its vector (FIRST's specifications 3.1 and 4.0).

The base score only: what a vector says of threat, environment or requirements is read, and does not count. A 3.0
vector is scored as 3.1, which differs in nothing but how it is rounded.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from domain.security.risk_errors import CvssVectorInvalid

_METRIC = re.compile(r"([A-Za-z]{1,3}):([A-Za-z]{1,6})")
_LONGEST = 400

_BASE_3 = {
    "AV": "NALP",
    "AC": "LH",
    "PR": "NLH",
    "UI": "NR",
    "S": "UC",
    **dict.fromkeys(("C", "I", "A"), "HLN"),
}
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "CIA": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}

_BASE_4 = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    **dict.fromkeys(("VC", "VI", "VA", "SC", "SI", "SA"), "HLN"),
}
_OTHERS_4 = frozenset(
    {"E", "CR", "IR", "AR", "S", "AU", "R", "V", "RE", "U"}
    | {f"M{name}" for name in ("AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA")}
)
_OTHERS_3 = frozenset(
    {"E", "RL", "RC", "CR", "IR", "AR"} | {f"M{name}" for name in ("AV", "AC", "PR", "UI", "S", "C", "I", "A")}
)
# The worst vectors of each level of each equivalence class, and how many steps deep the level is (specification 4.0,
# tables 24 to 29). The third class is the third and sixth of the specification, which base metrics move together.
_WORST: tuple[Mapping[int, tuple[str, ...]], ...] = (
    {
        0: ("AV:N/PR:N/UI:N",),
        1: ("AV:A/PR:N/UI:N", "AV:N/PR:L/UI:N", "AV:N/PR:N/UI:P"),
        2: ("AV:P/PR:N/UI:N", "AV:A/PR:L/UI:P"),
    },
    {0: ("AC:L/AT:N",), 1: ("AC:H/AT:N", "AC:L/AT:P")},
    {0: ("VC:H/VI:H/VA:H",), 1: ("VC:L/VI:H/VA:H", "VC:H/VI:L/VA:H"), 2: ("VC:L/VI:L/VA:L",)},
    {1: ("SC:H/SI:H/SA:H",), 2: ("SC:L/SI:L/SA:L",)},
)
_DEPTH: tuple[Mapping[int, int], ...] = ({0: 1, 1: 4, 2: 5}, {0: 1, 1: 2}, {0: 7, 1: 8, 2: 10}, {1: 5, 2: 4})
# Scores of the macrovectors that base metrics reach or are measured against: by the first two classes, then the third
# (as third and sixth digit of the specification) and the fourth.
_COLUMNS = ("001", "002", "011", "012", "101", "102", "111", "112", "211", "212")
_SCORES = {
    "00": (10, 9.3, 9.6, 9, 9.3, 8.8, 9.2, 8, 7.9, 6.9),
    "01": (9.5, 9.2, 9.1, 8.1, 9.2, 8.4, 8.2, 7, 7.1, 6.3),
    "10": (9.4, 8.7, 8.9, 7.5, 8.6, 7.2, 7.6, 5.7, 6.5, 5.3),
    "11": (9, 7.7, 7.7, 6.6, 7.4, 6.1, 5.9, 5.2, 5.8, 2.3),
    "20": (8.6, 7, 7.4, 5.4, 7.2, 5.3, 5.7, 3.6, 4.7, 2.4),
    "21": (7.3, 5.4, 5.5, 4.3, 6.1, 4.6, 5.1, 1.8, 2.4, 1),
}


class Cvss(NamedTuple):
    """A vector's base score, 0.0 to 10.0, and what a risk register makes of the vector, 1 to 5 each."""

    vector: str
    score: float
    severity: str
    likelihood: int
    impact: int


def scored(vector: str) -> Cvss:
    """Read a vector of CVSS 3.0, 3.1 or 4.0. Raises CvssVectorInvalid, which says what is wrong with it."""
    version, metrics = _read(vector)
    score = _score_4(metrics) if version == "4.0" else _score_3(metrics)
    return Cvss(vector, score, severity_of(score), _likelihood(metrics), _impact(metrics))


def severity_of(score: float) -> str:
    """The qualitative rating: none, low, medium, high or critical."""
    for at_least, name in ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low")):
        if score >= at_least:
            return name
    return "none"


def _read(vector: str) -> tuple[str, Mapping[str, str]]:
    if len(vector) > _LONGEST:
        raise CvssVectorInvalid(f"it is longer than {_LONGEST} characters")
    prefix, *parts = vector.split("/")
    version = prefix.removeprefix("CVSS:")
    if prefix == version or version not in ("3.0", "3.1", "4.0"):
        raise CvssVectorInvalid("it begins with none of CVSS:3.0, CVSS:3.1, CVSS:4.0")
    base, others = (_BASE_4, _OTHERS_4) if version == "4.0" else (_BASE_3, _OTHERS_3)
    metrics: dict[str, str] = {}
    for part in parts:
        found = _METRIC.fullmatch(part)
        if found is None:
            raise CvssVectorInvalid("between its slashes there is something that is no metric")
        name, value = found.groups()
        if name in metrics:
            raise CvssVectorInvalid(f"it names {name} twice")
        if name not in others and value not in tuple(base.get(name, "")):
            raise CvssVectorInvalid(f"there is no {part} in CVSS {version}")
        metrics[name] = value
    missing = [name for name in base if name not in metrics]
    if missing:
        raise CvssVectorInvalid(f"it lacks {', '.join(missing)}")
    return version, metrics


def _score_3(metrics: Mapping[str, str]) -> float:
    """Specification 3.1, section 7.1."""
    kept = math.prod(1 - _WEIGHTS["CIA"][metrics[name]] for name in "CIA")
    base, changed = 1 - kept, metrics["S"] == "C"
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * _PRIVILEGES[metrics["S"]][metrics["PR"]]
    for name in ("AV", "AC", "UI"):
        exploitability *= _WEIGHTS[name][metrics[name]]
    together = (impact + exploitability) * (1.08 if changed else 1)
    hundred_thousands = round(min(together, 10) * 100_000)
    return math.ceil(hundred_thousands / 10_000) / 10


def _score_4(metrics: Mapping[str, str]) -> float:
    """Specification 4.0, section 8: the macrovector's score, less the mean of how far the vector is from its worst."""
    if all(metrics[name] == "N" for name in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return 0.0
    levels = _levels(metrics)
    value = _macro(*levels)
    parts = _nearest(metrics, levels)
    # No base metric moves the class of exploit maturity: there is a lower level, and no distance to it.
    shares = [Decimal(0)]
    for number, (level, away) in enumerate(zip(levels, parts, strict=True)):
        lower = _lower(levels, number)
        if lower is not None:
            shares.append((value - lower) * Decimal(away) / Decimal(_DEPTH[number][level]))
    less = sum(shares, Decimal(0)) / len(shares)
    return float(max(Decimal(0), value - less).quantize(Decimal("0.1"), ROUND_HALF_UP))


def _levels(metrics: Mapping[str, str]) -> tuple[int, int, int, int]:
    reach = [metrics[name] == "N" for name in ("AV", "PR", "UI")]
    high = {name for name in ("VC", "VI", "VA", "SC", "SI", "SA") if metrics[name] == "H"}
    return (
        0 if all(reach) else 1 if any(reach) and metrics["AV"] != "P" else 2,
        0 if (metrics["AC"], metrics["AT"]) == ("L", "N") else 1,
        0 if {"VC", "VI"} <= high else 1 if high & {"VC", "VI", "VA"} else 2,
        1 if high & {"SC", "SI", "SA"} else 2,
    )


def _macro(first: int, second: int, third: int, fourth: int, sixth: int | None = None) -> Decimal:
    sixth = (third == 2) if sixth is None else sixth
    return Decimal(str(_SCORES[f"{first}{second}"][_COLUMNS.index(f"{third}{int(sixth)}{fourth}")]))


def _lower(levels: tuple[int, int, int, int], number: int) -> Decimal | None:
    """The score of the macrovector one level below in this class, the others as they are; None if there is none."""
    first, second, third, fourth = levels
    if number == 2:
        if third == 2:
            return None
        # Two ways down where both digits are at their worst; the higher score counts.
        sixth_down = _macro(first, second, third, fourth, 1)
        return max(sixth_down, _macro(first, second, 1, fourth, 0)) if third == 0 else sixth_down
    if levels[number] == max(_DEPTH[number]):
        return None
    down = list(levels)
    down[number] += 1
    return _macro(*down)


def _nearest(metrics: Mapping[str, str], levels: tuple[int, int, int, int]) -> list[int]:
    """How many steps the vector is below the first of its level's worst vectors that is nowhere better, by class."""
    for worst in itertools.product(*(_WORST[number][level] for number, level in enumerate(levels))):
        parts = [[_steps(metrics, each) for each in one.split("/")] for one in worst]
        if all(each >= 0 for part in parts for each in part):
            return [sum(part) for part in parts]
    raise AssertionError("every vector is below one of its level's worst")


def _steps(metrics: Mapping[str, str], worst: str) -> int:
    name, _, value = worst.partition(":")
    return _BASE_4[name].index(metrics[name]) - _BASE_4[name].index(value)


def _likelihood(metrics: Mapping[str, str]) -> int:
    """5 if anybody can do it from anywhere, one less for each thing in the way."""
    obstacles = (
        {"N": 0, "A": 1, "L": 2, "P": 3}[metrics["AV"]]
        + {"N": 0, "L": 1, "H": 2}[metrics["PR"]]
        + (metrics["AC"] != "L")
        + (metrics.get("AT", "N") != "N")
        + (metrics["UI"] != "N")
    )
    return max(1, 5 - obstacles)


def _impact(metrics: Mapping[str, str]) -> int:
    """5 if everything is lost, or more than the component; 4 for one loss, 2 for a partial one, 1 for none."""
    own = [metrics[name] for name in (("VC", "VI", "VA") if "VC" in metrics else ("C", "I", "A"))]
    beyond = metrics.get("S") == "C" or any(metrics.get(name, "N") == "H" for name in ("SC", "SI", "SA"))
    if "H" in own:
        return 5 if beyond or own.count("H") == len(own) else 4
    return 3 if beyond and "L" in own else 2 if "L" in own or beyond else 1
