"""The HTTP path: an authenticated typed GET and a durable write, against bare FastAPI on the same server."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

from cli.operator import make_operator_key
from performance.report import Figure
from performance.stage import fire, stage

ROUNDS, SECONDS = 24, 1.0
_numbers = count(1)


async def measure(folder: Path) -> list[Figure]:
    """All reads before all writes, which the disk is still busy with when they have been answered."""
    async with stage(folder, temporal=False) as on:
        ports = {"product": await on.api(), "bare": await on.bare()}
        key = await make_operator_key(on.settings, "bench")
        get = {"product": _request("GET", "/v1/security/api-keys/current", key), "bare": _request("GET", "/current")}
        path = {"product": "/v1/workflow/onboardings", "bare": "/onboardings"}
        reads = await _in_turns(ports, lambda who: [get[who]] * 20_000, connections=32)
        writes = await _in_turns(ports, lambda who: _onboardings(path[who], key), connections=24)
    return [
        _figure("Authenticated typed GET", "bare FastAPI route, same model and server", reads, goal=0.70),
        _figure(
            "Durable write (row + event)", "the same statement through bare FastAPI and asyncpg", writes, goal=0.80
        ),
    ]


async def _in_turns(
    ports: dict[str, int], requests: Callable[[str], list[bytes]], *, connections: int
) -> dict[str, list[float]]:
    """Requests per second of both in each round; who was second is first in the next."""
    rates: dict[str, list[float]] = {"product": [], "bare": []}
    for round_ in range(ROUNDS):
        for who in sorted(rates, reverse=bool(round_ % 2)):
            rates[who].append(await fire(ports[who], requests(who), connections=connections, seconds=SECONDS))
    return rates


def _figure(what: str, baseline: str, rates: dict[str, list[float]], *, goal: float) -> Figure:
    """The median of the rounds' ratios: the machine is not equally fast all along."""
    product, bare = median(rates["product"]), median(rates["bare"])
    return Figure.of_ratio(
        what=what,
        baseline=baseline,
        measured=f"{product:,.0f} requests/s against {bare:,.0f} requests/s",
        ratio=median(ours / theirs for ours, theirs in zip(rates["product"], rates["bare"], strict=True)),
        least=goal,
    )


def _onboardings(path: str, key: str) -> list[bytes]:
    def one(number: int) -> bytes:
        body = {
            "organisation": f"Bench {number}",
            "ownerName": "Ada Lovelace",
            "ownerEmail": f"ada{number}@example.com",
            "planCode": "pro",
            "locale": "en",
            "timezone": "Europe/Berlin",
        }
        return _request("POST", path, key, json.dumps(body).encode(), f"Idempotency-Key: bench-{number}\r\n")

    return [one(next(_numbers)) for _ in range(4_000)]


def _request(method: str, path: str, key: str = "", body: bytes = b"", more: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{more}"
    head += f"X-API-Key: {key}\r\n" if key else ""
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return head.encode() + b"\r\n" + body
