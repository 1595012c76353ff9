"""`harborgrid import-usage`: a file of usage, streamed by Polars to the API, a thousand events at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from adapters.settings import BadConfiguration, load_settings
from cli.client import ApiClient, ApiRefused
from cli.onboard import stored_key
from domain.billing.usage_model import MOST_EVENTS

_AT_ONCE = 4
_ATTRIBUTES = ("id", "source", "type", "subject", "time")
_READS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": pl.scan_parquet,
    # Numbers stay text, and so as exact as they are written.
    ".csv": lambda path: pl.scan_csv(path, infer_schema=False),
    ".ndjson": pl.scan_ndjson,
    ".jsonl": pl.scan_ndjson,
}


@dataclass(slots=True)
class Imported:
    """What has become of the rows so far."""

    recorded: int = 0
    duplicates: int = 0
    unknown_subjects: set[str] = field(default_factory=set)
    unmetered_types: set[str] = field(default_factory=set)


class RowsRefused(Exception):
    """Rows that the API does not take, each with its number, counted from 1, and why."""

    def __init__(self, rows: list[tuple[int, str]], message: str) -> None:
        super().__init__(message)
        self.rows = rows


def main(path: Path, defaults: dict[str, str], tenant: str, url: str, api_key: str) -> int:
    """The command. Returns the exit code: 1 if rows were refused."""
    usage = UsageFile(path, defaults)
    return asyncio.run(_shown(usage, tenant, url or load_settings().api_public_url, api_key or stored_key()))


class UsageFile:
    """A file whose columns are CloudEvents' attributes; any others, and those in `data`, are what meters count."""

    def __init__(self, path: Path, defaults: dict[str, str]) -> None:
        """Raises BadConfiguration for what cannot be read as usage."""
        if path.suffix not in _READS:
            raise BadConfiguration(f"{path.name}: not usage; give a file that ends in {', '.join(_READS)}")
        try:
            self._frame = _READS[path.suffix](path)
            self.columns = self._frame.collect_schema().names()
            self.rows: int = self._frame.select(pl.len()).collect().item()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise BadConfiguration(f"{path}: cannot be read ({error})") from None
        self._defaults = {name: value for name, value in defaults.items() if value}
        if missing := {"id", "source", "type", "subject"} - {*self.columns, *self._defaults}:
            raise BadConfiguration(
                f"{path.name}: has no column {', '.join(sorted(missing))} among {', '.join(self.columns)}; "
                "rename one, or say what is the same for all by --source, --type or --subject"
            )

    async def batches(self) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
        """Events in the order of the file, with the number of the first row; never all of them at once."""
        frames, first = self._frame.collect_batches(chunk_size=MOST_EVENTS, maintain_order=True), 1
        while (frame := await asyncio.to_thread(next, frames, None)) is not None:
            for part in frame.iter_slices(MOST_EVENTS):
                yield first, [self._event(row) for row in part.iter_rows(named=True)]
                first += part.height

    def _event(self, row: dict[str, Any]) -> dict[str, Any]:
        nested = row.pop("data", None)
        told = {name: row.pop(name, None) for name in _ATTRIBUTES}
        row.pop("specversion", None)
        properties = {**row, **nested} if isinstance(nested, dict) else row
        attributes = {
            name: _text(value) for name, value in {**self._defaults, **_known(told)}.items() if value is not None
        }
        return {"specversion": "1.0", **attributes, "data": {k: _datum(v) for k, v in _known(properties).items()}}


async def send(file: UsageFile, api: ApiClient, tenant: str, told: Callable[[int, Imported], None]) -> Imported:
    """Have all of it kept; `told` is called after each batch, with its rows. Raises RowsRefused, ApiRefused."""
    done = Imported()
    query = {"tenantId": tenant} if tenant else {}

    async def one(first: int, events: list[dict[str, Any]]) -> None:
        try:
            answer = await api.post("/v1/billing/usage-events", events, query=query)
        except ApiRefused as refused:
            rows = _rows(first, events, refused)
            if not rows:
                raise
            raise RowsRefused(rows, str(refused)) from None
        done.recorded += answer["recorded"]
        done.duplicates += answer["duplicates"]
        done.unknown_subjects.update(answer["unknownSubjects"])
        done.unmetered_types.update(answer["unmeteredTypes"])
        told(len(events), done)

    sending = set[asyncio.Task[None]]()
    try:
        async for first, events in file.batches():
            if len(sending) >= _AT_ONCE:
                over, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                for task in over:
                    task.result()
            sending.add(asyncio.create_task(one(first, events)))
    finally:
        # Whatever was sent is answered, so that what is told afterwards is true.
        ended = await asyncio.gather(*sending, return_exceptions=True)
    for each in ended:
        if isinstance(each, BaseException):
            raise each
    return done


async def _shown(file: UsageFile, tenant: str, url: str, api_key: str) -> int:
    console = Console()
    latest = Imported()
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("rows", total=file.rows)

        def told(rows: int, done: Imported) -> None:
            nonlocal latest
            latest = done
            progress.advance(bar, rows)

        async with ApiClient(url, api_key) as api:
            try:
                done = await send(file, api, tenant, told)
            except RowsRefused as refused:
                progress.stop()
                for number, problem in refused.rows:
                    console.print(f"[red]row {number}[/red]: {problem}", soft_wrap=True)
                console.print(f"{refused} {_kept(latest)}", soft_wrap=True)
                return 1
            except ApiRefused as refused:
                raise ApiRefused(f"{refused} {_kept(latest)}") from None
    console.print(f"{done.recorded:,} events kept, {done.duplicates:,} were there before", soft_wrap=True)
    for what, names in (("customer", done.unknown_subjects), ("meter", done.unmetered_types)):
        if names:
            some = ", ".join(sorted(names)[:5])
            console.print(f"[yellow]without a {what}[/yellow], and so charged to nobody: {some}", soft_wrap=True)
    return 0


def _kept(done: Imported) -> str:
    return f"{done.recorded:,} events are kept. Import the file again: what is kept counts once."


def _rows(first: int, events: list[dict[str, Any]], refused: ApiRefused) -> list[tuple[int, str]]:
    """Which rows a refusal is about: of a meter, of a name that is taken, or of what is no CloudEvent at all."""
    names = {(event.get("source"), event.get("id")): first + index for index, event in enumerate(events)}
    found = []
    for each in refused.details.get("events", []):
        row = first + each["index"] if "index" in each else names[each["source"], each["id"]]
        found.append((row, each.get("problem", "an event with its source and id has another content")))
    for each in refused.details.get("fields", []):
        index = next((int(part) for part in each["field"].split(".") if part.isdigit()), None)
        if index is not None:
            found.append((first + index, f"{each['field'].rpartition(f'.{index}.')[2]}: {each['problem']}"))
    return found


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _datum(value: object) -> object:
    """A property as JSON has it: decimals and instants as text, which is exact."""
    return _text(value) if isinstance(value, date | Decimal) else value
