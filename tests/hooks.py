"""A tenant's own server, which takes webhooks, or does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from conftest import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(slots=True)
class Receiver:
    """Remembers what it was sent. answers: the next statuses, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hook(self, request: Request) -> Response:
        body = await request.body()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.taken.append((dict(request.headers), body))
        return Response("thank you" if status == 200 else "not now", status)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """One that serves."""
    found = Receiver()
    app: Any = Starlette(routes=[Route("/hook", found.hook, methods=["POST"])])
    async with served(app) as url:
        found.url = f"{url}/hook"
        yield found
