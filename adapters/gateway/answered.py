"""Announces requests as `gateway.request.completed`, for tenants that meter them, and loses none to a crash.

A request is a line of a file before its answer goes out: the kernel has it then, whatever becomes of the process. Once
a second the lines become events; the next process takes over the files of one that died. Events keep their ids, so that
nothing is announced twice. A power failure may take the last seconds with it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import orjson
import structlog

from adapters.kernel.clock import new_id
from adapters.kernel.upkeep import running_every
from adapters.postgres.database import Database
from adapters.postgres.session import APPEND, Session, event_rows
from adapters.security.revocations import Revocations
from adapters.telemetry.metrics import GATEWAY_REQUESTS
from domain.gateway.events import RequestCompleted
from domain.kernel.ids import RequestId, TenantId
from domain.security.errors import TenantDeprovisioned

log = structlog.get_logger(__name__)

PUBLISHED_EVERY = 1.0
# For so long it is taken for granted that a tenant meters its requests, or does not; a new meter is heard of.
KNOWN_FOR = 20.0
_AT_ONCE = 1_000
_METERS = "SELECT EXISTS (SELECT FROM billing_meter WHERE event_type = $1)"


class AnsweredRequests:
    """Of this process. `folder` is on this machine; processes that share it take over each other's files."""

    def __init__(self, folder: Path, database: Database, revocations: Revocations) -> None:
        self._folder, self._database = folder, database
        self._file: _Lines | None = None
        self._metered: dict[TenantId, tuple[bool, float]] = {}
        self._forgotten = 0
        revocations.on_change(self._forget)

    def wants(self, tenant: TenantId) -> bool:
        """Whether the tenant meters its requests, or may do so."""
        known = self._metered.get(tenant)
        return known is None or known[0] or monotonic() - known[1] >= KNOWN_FOR

    def note(self, tenant: TenantId, fact: RequestCompleted) -> None:
        """Keep it. Called in the request's context; a full disk costs the request its place, not its answer."""
        [row] = event_rows([fact], tenant)
        try:
            if self._file is None:
                self._file = _Lines.new(self._folder)
            self._file.add(row)
        except OSError as error:
            log.error("gateway.request_not_noted", request_id=fact.request_id, reason=str(error))

    async def publish(self) -> int:
        """Make events of everything noted, here or by processes that have died; how many.

        Raises DatabaseUnavailable; the lines stay.
        """
        finished, self._file = self._file, None
        published = 0
        for lines in chain([finished] if finished else [], _orphans(self._folder)):
            try:
                published += await self._publish(lines.rows())
            except BaseException:
                lines.leave()
                raise
            lines.remove()
        GATEWAY_REQUESTS.inc(published)
        return published

    @asynccontextmanager
    async def published(self) -> AsyncIterator[None]:
        """For as long as the block lasts, every PUBLISHED_EVERY seconds, and at its end."""
        async with running_every(PUBLISHED_EVERY, self.publish, otherwise="gateway.requests_not_published"):
            yield

    async def _publish(self, rows: Sequence[Sequence[Any]]) -> int:
        wanted = [row for row in rows if await self._is_metered(TenantId(row[5]))]
        for first in range(0, len(wanted), _AT_ONCE):
            columns = list(zip(*wanted[first : first + _AT_ONCE], strict=True))
            await self._database.statement(f"{APPEND} ON CONFLICT (id) DO NOTHING", *columns)
        if wanted:
            self._database.announce()
        return len(wanted)

    async def _is_metered(self, tenant: TenantId) -> bool:
        known = self._metered.get(tenant)
        if known is None or monotonic() - known[1] >= KNOWN_FOR:
            forgotten = self._forgotten
            known = await self._asked(tenant), monotonic()
            # What was read before a change that has been told of since must not be remembered after it.
            if forgotten == self._forgotten:
                self._metered[tenant] = known
        return known[0]

    def _forget(self, about: str) -> None:
        self._forgotten += 1
        self._metered.pop(TenantId(about), None)

    async def _asked(self, tenant: TenantId) -> bool:
        async def work(session: Session) -> bool:
            return bool(await session.sql.fetchval(_METERS, RequestCompleted.about.type))

        try:
            return await self._database.run(tenant, work)
        except TenantDeprovisioned:
            return False


class _Lines:
    """A file of events' rows, a line each, which nobody else reads while it is open."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file

    @classmethod
    def new(cls, folder: Path) -> _Lines:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            lines = cls.taken(folder / f"{new_id(RequestId)}.ndjson", "xb")
            if lines is not None:
                return lines

    @classmethod
    def taken(cls, path: Path, mode: str) -> _Lines | None:
        """None if another process has it, or had."""
        try:
            file: BinaryIO = path.open(mode, buffering=0)  # type: ignore[assignment]
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if not path.exists():
            file.close()
            return None
        return cls(path, file)

    def add(self, row: Sequence[Any]) -> None:
        """In one call, which a dying process has made or has not."""
        os.write(self._file.fileno(), orjson.dumps(row) + b"\n")

    def rows(self) -> list[Any]:
        """What a full disk has cut off is told to the log: the lines around it count."""
        found = []
        for line in self._path.read_bytes().splitlines():
            try:
                found.append(_row(orjson.loads(line)))
            except (orjson.JSONDecodeError, IndexError, TypeError, ValueError) as error:
                log.error("gateway.line_unreadable", path=str(self._path), reason=str(error))
        return found

    def leave(self) -> None:
        """Let the next one have it."""
        self._file.close()

    def remove(self) -> None:
        self._path.unlink()
        self._file.close()


def _row(told: list[Any]) -> list[Any]:
    told[3] = datetime.fromisoformat(told[3])
    return told


def _orphans(folder: Path) -> Iterator[_Lines]:
    for path in sorted(folder.glob("*.ndjson")):
        lines = _Lines.taken(path, "rb")
        if lines is not None:
            yield lines
