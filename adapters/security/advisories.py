"""Where known vulnerabilities are looked up: OSV records in files, or a server that speaks OSV's API."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import orjson
from packaging.utils import canonicalize_name
from pydantic import Field, ValidationError

from domain.kernel.payload import Payload
from domain.security.risk_errors import AdvisoriesUnavailable, AdvisoriesUnreadable
from domain.security.risk_ports import Advisories, AdvisorySource
from domain.security.vulnerabilities import ECOSYSTEM, Advisory, Component, Name, read_advisory

_TOGETHER = 500
_AT_ONCE = 8
_LARGEST = 10_000_000
_BEATS_EVERY = 1_000
_MOST_PAGES = 20


def advisory_source(told: str, default: Path) -> AdvisorySource:
    """As the setting names it: a URL, a path, or nothing, which is the default path."""
    if told.startswith(("https://", "http://")):
        return OsvServer(told.rstrip("/"))
    return OsvFiles(Path(told)) if told else OsvFiles(default, named=False)


class _Named(Payload):
    id: Name


class _Page(Payload):
    """One query's answer: records by id, and where there are more of them."""

    vulns: tuple[_Named, ...] | None = None
    next_page_token: str | None = Field(default=None, alias="next_page_token")


class OsvFiles:
    """A file of one record, of a list, or of a record a line; a folder of such files; or a ZIP archive of them.

    OSV publishes the last, for each ecosystem, as `all.zip`.
    """

    def __init__(self, path: Path, *, named: bool = True) -> None:
        """named: somebody says that it is there."""
        self._path, self._named = path, named

    async def advisories(self, components: Sequence[Component], *, heartbeat: Callable[..., None]) -> Advisories:
        """Those about these components; none if there is no such file, unless somebody has named it."""
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(
            self._read,
            {canonicalize_name(each.name) for each in components},
            lambda count: loop.call_soon_threadsafe(heartbeat, count),
        )

    def _read(self, names: set[str], beat: Callable[[int], object]) -> Advisories:
        kept: list[Advisory] = []
        read, newest = 0, None
        for record in self._records():
            advisory = read_advisory(record)
            read += 1
            newest = advisory.modified if newest is None else max(newest, advisory.modified)
            if any(_is_about(each.package.ecosystem, each.package.name, names) for each in advisory.affected):
                kept.append(advisory)
            if read % _BEATS_EVERY == 0:
                beat(read)
        return Advisories(str(self._path), read, newest, kept, told=read > 0)

    def _records(self) -> Iterator[object]:
        if not self._path.exists():
            if self._named:
                raise AdvisoriesUnreadable(f"there is no {self._path}")
            return
        try:
            for name, content in self._contents():
                yield from _parsed(name, content)
        except (OSError, zipfile.BadZipFile) as error:
            raise AdvisoriesUnreadable(f"{self._path}: {error}") from None

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        if self._path.is_dir():
            for path in sorted(self._path.rglob("*.json*")):
                yield str(path), path.read_bytes()
        elif zipfile.is_zipfile(self._path):
            with zipfile.ZipFile(self._path) as archive:
                for entry in archive.infolist():
                    if entry.file_size > _LARGEST:
                        raise AdvisoriesUnreadable(f"{entry.filename} is larger than {_LARGEST:,} bytes")
                    if entry.filename.endswith(".json"):
                        yield entry.filename, archive.read(entry)
        else:
            yield str(self._path), self._path.read_bytes()


class OsvServer:
    """A server with OSV's API (google.github.io/osv.dev): asked by package URL, then for each record."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def advisories(self, components: Sequence[Component], *, heartbeat: Callable[..., None]) -> Advisories:
        """Those about these components. Raises AdvisoriesUnavailable, AdvisoriesUnreadable."""
        async with httpx.AsyncClient(base_url=self._url, timeout=20) as client:
            ids: set[str] = set()
            for start in range(0, len(components), _TOGETHER):
                ids |= await self._ids(client, components[start : start + _TOGETHER])
                heartbeat(len(ids))
            records: list[Advisory] = []
            waiting = iter(sorted(ids))
            while some := list(islice(waiting, _AT_ONCE)):
                answers = await asyncio.gather(*(self._ask(client, "GET", f"/v1/vulns/{each}") for each in some))
                records += map(read_advisory, answers)
                heartbeat(len(records))
        newest: datetime | None = max((each.modified for each in records), default=None)
        return Advisories(self._url, len(records), newest, records, told=True)

    async def _ids(self, client: httpx.AsyncClient, components: Sequence[Component]) -> set[str]:
        """Ids of the records about these, however many pages they are told on."""
        queries: list[dict[str, Any]] = [{"package": {"purl": each.purl}} for each in components]
        ids: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = await self._ask(client, "POST", "/v1/querybatch", {"queries": queries})
            results = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(results, list) or len(results) != len(queries):
                raise AdvisoriesUnreadable(f"{self._url} does not answer each query")
            more: list[dict[str, Any]] = []
            for query, result in zip(queries, results, strict=True):
                page = self._page(result)
                ids.update(each.id for each in page.vulns or ())
                if page.next_page_token:
                    more.append({**query, "page_token": page.next_page_token})
            if not more:
                return ids
            queries = more
        raise AdvisoriesUnreadable(f"{self._url} tells of more than {_MOST_PAGES} pages")

    def _page(self, result: object) -> _Page:
        try:
            return _Page.model_validate(result)
        except ValidationError as error:
            raise AdvisoriesUnreadable(f"{self._url} answers a query with: {error.errors()[0]['msg']}") from None

    async def _ask(self, client: httpx.AsyncClient, method: str, path: str, body: object = None) -> Any:
        try:
            answer = await client.request(method, path, json=body)
            answer.raise_for_status()
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise AdvisoriesUnreadable(f"{self._url}{path} does not answer in JSON") from None
        except httpx.HTTPError as error:
            raise AdvisoriesUnavailable(f"{self._url}{path}: {error or type(error).__name__}") from error


def _is_about(ecosystem: str, name: str, names: set[str]) -> bool:
    return ecosystem == ECOSYSTEM and canonicalize_name(name) in names


def _parsed(name: str, content: bytes) -> Iterator[object]:
    try:
        if name.endswith(".jsonl"):
            yield from (orjson.loads(line) for line in content.splitlines() if line.strip())
            return
        whole = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise AdvisoriesUnreadable(f"{name}: {error}") from None
    yield from whole if isinstance(whole, list) else [whole]
