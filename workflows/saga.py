"""What was done is undone, last first, and undoing is not given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Saga:
    """The compensations of a process, in the order in which they were promised."""

    def __init__(self) -> None:
        self._undo: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self.compensated: list[str] = []

    def on_failure(self, name: str, undo: Callable[[], Awaitable[object]]) -> None:
        """Promise to undo this step. Promise before the step begins: it may take effect and still fail to say so."""
        self._undo.append((name, undo))

    async def compensate(self) -> list[str]:
        """Undo everything, last first, even while the workflow itself is being cancelled; what was undone."""
        await asyncio.shield(self._all())
        return self.compensated

    async def _all(self) -> None:
        while self._undo:
            name, undo = self._undo.pop()
            await undo()
            self.compensated.append(name)
