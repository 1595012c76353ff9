"""What is looked up for nearly every request, remembered while somebody would say that it has changed."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from adapters.security.revocations import Revocations

# Even what nobody says has changed is looked up again after this long.
FRESH_SECONDS = 1.0
_MOST = 10_000
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key. While no word of changes can be heard, nothing is remembered.

    look_up: the value, and for how many seconds it holds at most. is_about: whether a change with this id concerns
    this key's value.
    """

    def __init__(
        self,
        look_up: Callable[[K], Awaitable[tuple[V, float]]],
        revocations: Revocations,
        is_about: Callable[[str, K, V], bool],
    ) -> None:
        self._look_up, self._revocations, self._is_about = look_up, revocations, is_about
        self._known: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._asked: dict[K, asyncio.Task[V]] = {}
        self._forgotten = 0
        revocations.on_change(self._forget)

    def now(self, key: K) -> V | None:
        """The value, if it is remembered and holds."""
        known = self._known.get(key)
        return known[0] if known is not None and time.monotonic() < known[1] else None

    async def get(self, key: K) -> V:
        """The value. Raises what `look_up` raises."""
        known = self.now(key)
        if known is not None:
            return known
        if not self._revocations.is_heard:
            return (await self._look_up(key))[0]
        # Requests that come together wait for one look at the database: the other thirty would all find the same.
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.create_task(self._look(key))
            asked.add_done_callback(partial(self._answered, key))
        return await asyncio.shield(asked)

    async def _look(self, key: K) -> V:
        forgotten, now = self._forgotten, time.monotonic()
        value, seconds = await self._look_up(key)
        # What was read before a change that has been told of since must not be remembered after it.
        if self._revocations.is_heard and forgotten == self._forgotten:
            self._known[key] = (value, now + min(seconds, FRESH_SECONDS))
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return value

    def _answered(self, key: K, asked: asyncio.Task[V]) -> None:
        if self._asked.get(key) is asked:
            del self._asked[key]
        if not asked.cancelled():
            asked.exception()  # whoever asked may have gone away

    def _forget(self, about: str) -> None:
        """Rare, so it looks through what is known instead of keeping a second index."""
        self._forgotten += 1
        # Later requests must not join a look that was taken before this change.
        self._asked.clear()
        for key in [key for key, (value, _) in self._known.items() if self._is_about(about, key, value)]:
            del self._known[key]
