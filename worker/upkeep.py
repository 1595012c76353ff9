"""What a worker does every few seconds, whatever else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from domain.kernel.errors import Unavailable

log = structlog.get_logger(__name__)


async def every(seconds: float, work: Callable[[], Awaitable[object]], *, otherwise: str) -> None:
    """For ever. If the database is away or refuses, logs the warning `otherwise` and tries again next time."""
    while True:
        try:
            await work()
        except (Unavailable, asyncpg.PostgresError, OSError, TimeoutError) as error:
            log.warning(otherwise, reason=str(error))
        await asyncio.sleep(seconds)
