"""`/livez`, `/readyz` and `/metrics`: for those who run the platform."""

from __future__ import annotations

import asyncio

import asyncpg
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from temporalio.service import RPCError

from api.envelope import Answer, ok
from api.parameters import World
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import HarborGridError, Unavailable
from domain.kernel.payload import Payload

router = APIRouter(tags=["operations"], route_class=Route)


class Liveness(Payload):
    """The process answers."""

    alive: bool = True


class Readiness(Payload):
    """What the process depends on. Temporal may be down: requests are kept until it returns."""

    database: bool
    workflows: bool


@router.get("/livez", response_model=Answer[Liveness])
async def livez() -> Answer[Liveness]:
    """Whether the process answers; restart it if not."""
    return ok(Liveness())


@router.get("/readyz", response_model=Answer[Readiness], responses=problems(Unavailable))
async def readyz(world: World) -> Answer[Readiness]:
    """Whether requests can be served; send none if not."""

    async def database() -> bool:
        try:
            async with asyncio.timeout(2):
                async with world.database.connection() as connection:
                    await connection.execute("SELECT 1")
        except (HarborGridError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return False
        return True

    async def workflows() -> bool:
        try:
            async with asyncio.timeout(2):
                return await world.temporal.service_client.check_health()
        except (RPCError, RuntimeError, TimeoutError):
            return False

    has_database, has_workflows = await asyncio.gather(database(), workflows())
    if not has_database:
        raise Unavailable("the database does not answer", database=False, workflows=has_workflows)
    return ok(Readiness(database=True, workflows=has_workflows))


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "In Prometheus' text format.", "content": {"text/plain": {}}}},
)
async def metrics() -> Response:
    """Prometheus metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
