"""What a process does every few seconds, whatever else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import structlog

from domain.kernel.errors import Unavailable

log = structlog.get_logger(__name__)


async def every(seconds: float, work: Callable[[], Awaitable[object]], *, otherwise: str) -> None:
    """For ever. If the database is away or refuses, logs the warning `otherwise` and tries again next time."""
    while True:
        await _attempt(work, otherwise)
        await asyncio.sleep(seconds)


@asynccontextmanager
async def running_every(
    seconds: float, work: Callable[[], Awaitable[object]], *, otherwise: str
) -> AsyncIterator[None]:
    """`every` for as long as the block lasts, and the work once more at its end."""
    task = asyncio.create_task(every(seconds, work, otherwise=otherwise), name=otherwise)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _attempt(work, otherwise)


async def _attempt(work: Callable[[], Awaitable[object]], otherwise: str) -> None:
    try:
        await work()
    except (Unavailable, asyncpg.PostgresError, OSError, TimeoutError) as error:
        log.warning(otherwise, reason=str(error))
