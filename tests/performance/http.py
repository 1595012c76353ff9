"""The HTTP path: an authenticated typed GET and a durable write, against bare FastAPI on the same server."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from statistics import median

from cli.operator import make_operator_key
from performance.report import Figure
from performance.stage import fire, stage

ROUNDS = 5
_numbers = count(1)


async def measure(folder: Path) -> list[Figure]:
    """Product and baseline take turns; medians are compared."""
    async with stage(folder, temporal=False) as on:
        api, bare = await on.api(), await on.bare()
        key = await make_operator_key(on.settings, "bench")
        reads: dict[str, list[float]] = {"product": [], "bare": []}
        writes: dict[str, list[float]] = {"product": [], "bare": []}
        for _ in range(ROUNDS):
            get = _request("GET", "/v1/security/api-keys/current", key)
            reads["product"].append(await fire(api, [get] * 60_000, connections=32, seconds=3))
            reads["bare"].append(await fire(bare, [_request("GET", "/current")] * 60_000, connections=32, seconds=3))
            writes["product"].append(
                await fire(api, _onboardings("/v1/workflow/onboardings", key), connections=24, seconds=3)
            )
            writes["bare"].append(await fire(bare, _onboardings("/onboardings", key), connections=24, seconds=3))
    return [
        _figure("Authenticated typed GET", "bare FastAPI route, same model and server", reads, goal=0.70),
        _figure(
            "Durable write (row + event)", "the same statement through bare FastAPI and asyncpg", writes, goal=0.80
        ),
    ]


def _figure(what: str, baseline: str, rates: dict[str, list[float]], *, goal: float) -> Figure:
    product, bare = median(rates["product"]), median(rates["bare"])
    return Figure.of_ratio(
        what=what,
        baseline=baseline,
        measured=f"{product:,.0f} requests/s against {bare:,.0f} requests/s",
        ratio=product / bare,
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

    return [one(next(_numbers)) for _ in range(12_000)]


def _request(method: str, path: str, key: str = "", body: bytes = b"", more: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{more}"
    head += f"X-API-Key: {key}\r\n" if key else ""
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return head.encode() + b"\r\n" + body
