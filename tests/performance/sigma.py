"""Looking at a record with 3,000 detection rules loaded, against asking every rule."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from domain.security.rule_index import Compiled, RuleSet
from domain.security.sigma import compiled
from performance.report import Figure

RULES, RECORDS, GOAL_MS = 3_000, 2_000, 5.0
_TYPES = [f"security.thing_{number}.changed" for number in range(60)]


async def measure(_: Path) -> list[Figure]:
    """One core. Rules as people write them: most name a type, some search in text, some need every record."""
    rules = [_rule(number) for number in range(RULES)]
    found = RuleSet(rules)
    records = [_record(number) for number in range(RECORDS)]
    indexed = _p95(lambda fields: found.matching("authentication", fields), records)
    asked = _p95(lambda fields: [rule for rule in rules if rule.test(fields)], records[:200])
    searching = RuleSet(_rule(number, anchored=False) for number in range(RULES))
    searched = _p95(lambda fields: searching.matching("authentication", fields), records[:200])
    return [
        Figure(
            what=f"Detection: a record, {RULES:,} Sigma rules, p95",
            baseline="every rule asked, without the index",
            measured=f"{indexed:.3f} ms against {asked:.3f} ms",
            ratio=asked / indexed,
            goal=f"under {GOAL_MS:.0f} ms",
            met=indexed < GOAL_MS,
        ),
        Figure(
            what=f"Detection: the same, {RULES:,} rules of which none names a type, p95",
            baseline="every rule asked, without the index",
            measured=f"{searched:.3f} ms against {asked:.3f} ms",
            ratio=asked / searched,
            goal=f"under {2 * GOAL_MS:.0f} ms",
            met=searched < 2 * GOAL_MS,
        ),
    ]


def _rule(number: int, *, anchored: bool = True) -> Compiled:
    kind: dict[str, Any] = {"type": _TYPES[number % len(_TYPES)]} if anchored and number % 10 else {}
    searches: list[dict[str, Any]] = [
        {"country": ["NO", "SE", f"X{number}"], "failures|gte": number % 40},
        {"userAgent|contains": f"scanner/{number}"},
        {"network|cidr": f"10.{number % 250}.0.0/16"},
        {"resource|startswith": f"inv_{number}"},
        {"userAgent|re": f"(?i)bot[/ ]{number}\\\\b"},
    ]
    return compiled(
        {
            "title": f"Rule {number}",
            "id": f"7f0b3c6e-2a61-4b64-9d2a-{number:012}",
            "logsource": {"product": "harborgrid", "category": "authentication"},
            "detection": {
                "selection": {**kind, **searches[number % len(searches)]},
                "filter": {"actorKind": "operator"},
                "condition": "selection and not filter",
            },
        }
    )


def _record(number: int) -> dict[str, Any]:
    return {
        "type": _TYPES[number % len(_TYPES)],
        "country": "NO",
        "failures": number % 50,
        "userAgent": f"Mozilla/5.0 (X11; Linux x86_64) scanner/{number}",
        "network": f"10.{number % 250}.7.0/24",
        "resource": f"inv_{number}abc",
        "actorKind": "user",
    }


def _p95(look: Callable[[dict[str, Any]], object], records: list[dict[str, Any]]) -> float:
    took = []
    for fields in records:
        began = time.perf_counter()
        look(fields)
        took.append(time.perf_counter() - began)
    return sorted(took)[int(len(took) * 0.95)] * 1000
