"""Argon2id (RFC 9106) off the event loop, few at a time: each takes 64 MiB and a tenth of a second on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from domain.kernel.errors import Unavailable
from domain.security.passwords import normalised, refuse_weak

_AT_ONCE = 2
# About ten seconds of work: whoever comes then had better come again.
_MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """matches: it is the password; renewed: its hash in today's terms, if the stored one is not."""

    matches: bool
    renewed: str | None = None


class Passwords:
    """Hashes and checks. `hasher`: the terms of today, RFC 9106's second recommended option unless named."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turns, self._waiting = asyncio.Semaphore(_AT_ONCE), 0
        self._estimates = asyncio.Semaphore(1)
        self._nobodys: str | None = None

    async def hash(self, password: str, *, known: Iterable[str]) -> str:
        """The hash in PHC format. Raises PasswordTooWeak, Unavailable; `known`: words a guesser tries first."""
        plain, words = normalised(password), list(known)
        # Not among the turns that sign-ins wait for: it is Python, and takes as long as the password is odd.
        async with self._estimates:
            await asyncio.to_thread(refuse_weak, plain, known=words)
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, plain)

    async def check(self, stored: str | None, password: str) -> Verdict:
        """Whether it is the password. Without a stored hash it takes as long to say no."""
        async with self._turn():
            return await asyncio.to_thread(self._check, stored, normalised(password))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("too many passwords are being looked at")
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    def _check(self, stored: str | None, password: str) -> Verdict:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash("nobody's password")
        try:
            self._hasher.verify(stored or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return Verdict(matches=False)
        if stored is None:
            return Verdict(matches=False)
        renewed = self._hasher.hash(password) if self._hasher.check_needs_rehash(stored) else None
        return Verdict(matches=True, renewed=renewed)
