"""Asking a thing's process where it stands, and telling it that the thing has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from adapters.container import Container
from domain.kernel.errors import WorkflowsUnavailable
from domain.security.commands import Progress

log = structlog.get_logger(__name__)
P = TypeVar("P", bound=Progress)


async def where_it_stands(world: Container, id: str, query: Callable[..., P], *, before: P) -> P:
    """What the process says; `before` it has begun, what is known anyway. Raises WorkflowsUnavailable."""
    told = await world.starter.ask(id, query)
    return told if told is not None and told.status else before


async def tell_of_change(world: Container, id: str, signal: Callable[..., Any], change: str) -> None:
    """Let the process look now. It looks by itself when it is due, so that it cannot be told stops nothing."""
    try:
        await world.starter.signal(id, signal, change)
    except WorkflowsUnavailable as down:
        log.warning("process.not_told", workflow_id=id, change=change, reason=down.message)
