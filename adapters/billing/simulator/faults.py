"""What goes wrong at simulated providers, whatever interface they speak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import JSONResponse, Response, StreamingResponse

FAULTS = ("lose_answer", "error_before", "error_after", "slow", "down", "rate_limited", "forbidden")
_STATUS = {"error_before": 500, "down": 503, "rate_limited": 429, "forbidden": 403}


async def broken_before(kind: str, seconds: float) -> Response | None:
    """What goes wrong before anything is done."""
    if kind == "slow":
        await asyncio.sleep(seconds)
    status = _STATUS.get(kind)
    if status is None:
        return None
    error = {"type": "api_error", "message": "It does not work, as it was told not to."}
    return JSONResponse({"error": error}, status)


def cut_off() -> Response:
    """The connection breaks in the middle of the answer."""

    async def nothing() -> AsyncIterator[bytes]:
        yield b'{"id": "'
        raise ConnectionResetError("the answer is lost, as it was told to be")

    return StreamingResponse(nothing(), media_type="application/json", headers={"Content-Length": "1000"})
