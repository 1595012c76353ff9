"""Usage over HTTP: batches of a thousand events, against the same events one at a time."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from pathlib import Path
from statistics import median

from adapters.container import open_container
from adapters.kernel.clock import utc_now
from adapters.temporal.namespace import ensure_namespace
from cli.operator import make_operator_key
from domain.billing.metering_model import Aggregation, Meter
from domain.billing.service import add_meter
from domain.kernel.ids import TenantId
from performance.report import Figure
from performance.stage import fire, provisioned, stage

BATCH, BATCHES, GOAL, ROUNDS, SECONDS = 1_000, 100, 20_000, 5, 3.0
_numbers = count(1)


async def measure(folder: Path) -> list[Figure]:
    """Every event is checked against its meter, kept durably with what it says, and never twice."""
    async with stage(folder, temporal=True) as on:
        await ensure_namespace(on.settings, asyncio.Event())
        async with open_container(on.settings, process="bench", lazy=False) as container:
            tenant = await provisioned(container)
            await container.billing(tenant, lambda uow: add_meter(uow, tenant, _meter()))
            port, key = await on.api(), await make_operator_key(on.settings, "bench")
            batched, single = [], []
            for _ in range(ROUNDS):
                batches = [_request(tenant, key, BATCH) for _ in range(BATCHES)]
                batched.append(BATCH * await fire(port, batches, connections=4, seconds=60))
                ones = [_request(tenant, key, 1) for _ in range(6_000)]
                single.append(await fire(port, ones, connections=24, seconds=SECONDS))
            kept = await container.database.run(
                tenant, lambda session: session.sql.fetchval("SELECT count(*) FROM billing_usage")
            )
            assert kept >= ROUNDS * BATCHES * BATCH, "every event of every batch is kept"
    ours, theirs = median(batched), median(single)
    return [
        Figure(
            what=f"Usage events kept, in batches of {BATCH:,}",
            baseline="the same, one event in a request",
            measured=f"{ours:,.0f} events/s against {theirs:,.0f} events/s",
            ratio=ours / theirs,
            goal=f"at least {GOAL:,} events/s",
            met=ours >= GOAL,
        )
    ]


def _meter() -> Meter:
    return Meter(
        code="traffic",
        name="Traffic",
        event_type="storage.transferred",
        aggregation=Aggregation.SUM,
        property="gigabytes",
        unit="GB",
        created_at=utc_now(),
    )


def _request(tenant: TenantId, key: str, size: int) -> bytes:
    events = [
        {
            "specversion": "1.0",
            "id": f"{next(_numbers)}",
            "source": "/bench",
            "type": "storage.transferred",
            "subject": f"C-{number % 100}",
            "time": "2026-11-24T03:00:00Z",
            "data": {"gigabytes": "2.5", "region": "eu"},
        }
        for number in range(size)
    ]
    body = json.dumps(events).encode()
    head = (
        f"POST /v1/billing/usage-events?tenantId={tenant} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
