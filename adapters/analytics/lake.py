"""Loads events into tenants' lakes, once each, and makes the template that lakes are copied from.

Imported by workers and commands only: DuckDB and Arrow are too heavy for the API process.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import orjson
import pyarrow as pa

from analytics.lake import EVENTS, EVENTS_DDL, attach, open_session
from domain.bus.event import START, Position, RecordedEvent
from domain.kernel.ids import TenantId

T = TypeVar("T")
TEMPLATE = "lake_template"
_OPEN_LAKES = 16


class LakeLoader:
    """Keeps a few lakes open. Each load is one snapshot whose extra info says up to which event it goes.

    All lakes are attached to one DuckDB, whose extensions take half a second of CPU to load; each tenant has a
    connection that uses its lake and names no other.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._duckdb: duckdb.DuckDBPyConnection | None = None
        self._lakes: OrderedDict[TenantId, duckdb.DuckDBPyConnection] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of every open lake."""
        with self._lock:
            self._close()

    def load(self, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Append the events that are not in the lake yet; a repeated load changes nothing."""
        self._guarded(tenant, lambda lake: self._append(lake, events))

    def naming(self, tenant: TenantId, address: str, fields: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """Ids and types of the events in the lake that name this address in one of these fields of their types."""
        return self._guarded(tenant, lambda lake: _naming(lake, address, fields))

    def blank(self, tenant: TenantId, address: str, fields: Mapping[str, Sequence[str]]) -> int:
        """Blank those fields, and forget the files and snapshots in which they were not; how many events."""
        return self._guarded(tenant, lambda lake: _blank(lake, address, fields))

    def _guarded(self, tenant: TenantId, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with self._lock:
            try:
                return work(self._lake(tenant))
            except duckdb.Error:
                # A half-open transaction is not worth keeping, and what is fatal to one connection is fatal to all.
                self._close()
                raise

    def _append(self, lake: duckdb.DuckDBPyConnection, events: Sequence[RecordedEvent]) -> None:
        lake.execute("BEGIN")
        loaded = _loaded_up_to(lake)
        fresh = _not_in(lake, events, loaded)
        if not fresh:
            lake.execute("ROLLBACK")
            return
        rows = _frame(fresh)
        lake.register("fresh", rows)
        lake.execute("INSERT INTO events SELECT * REPLACE (data::JSON AS data) FROM fresh")
        lake.execute(
            "CALL set_commit_message('harborgrid', 'events', extra_info => ?)",
            [str(max(loaded, fresh[-1].position))],
        )
        lake.execute("COMMIT")
        lake.unregister("fresh")

    def _lake(self, tenant: TenantId) -> duckdb.DuckDBPyConnection:
        found = self._lakes.pop(tenant, None) or self._opened(tenant)
        self._lakes[tenant] = found
        return found

    def _opened(self, tenant: TenantId) -> duckdb.DuckDBPyConnection:
        self._duckdb = self._duckdb or open_session()
        if len(self._lakes) >= _OPEN_LAKES:
            longest_unused, lake = self._lakes.popitem(last=False)
            lake.close()
            self._duckdb.execute(f'DETACH "{longest_unused}"')
        attach(self._duckdb, self._dsn, f"lake_{tenant}", name=tenant, read_only=False)
        lake = self._duckdb.cursor()
        lake.execute(f'USE "{tenant}"')
        return lake

    def _close(self) -> None:
        while self._lakes:
            self._lakes.popitem()[1].close()
        if self._duckdb is not None:
            self._duckdb.close()
            self._duckdb = None


def make_template(dsn: str) -> None:
    """Let DuckDB create a lake with our tables in schema lake_template; tenants' lakes are copies of it."""
    with open_session() as session:
        attach(session, dsn, TEMPLATE, files=Path("/harborgrid-template"), read_only=False)
        session.execute(EVENTS_DDL)


def _naming(
    lake: duckdb.DuckDBPyConnection, address: str, fields: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    rows: list[Any] = []
    for kind, names in fields.items():
        named = " OR ".join("lower(json_extract_string(data, ?)) = ?" for _ in names)
        values = [value for name in names for value in (f"$.{name}", address)]
        rows += lake.execute(f"SELECT id, type FROM events WHERE type = ? AND ({named})", [kind, *values]).fetchall()
    return [(row[0], row[1]) for row in rows]


# Snapshots of erasures before which there are older ones still: as long as there are, so is what was erased.
_UNFORGOTTEN = """
SELECT count(*) FROM snapshots() WHERE commit_message = 'erasure'
AND snapshot_id > (SELECT min(snapshot_id) FROM snapshots())
"""


def _blank(lake: duckdb.DuckDBPyConnection, address: str, fields: Mapping[str, Sequence[str]]) -> int:
    """Also when nothing names the address any more: who did this before may not have come to its end."""

    def blank() -> int:
        found = _naming(lake, address, fields)
        for id_, kind in found:
            blanks = orjson.dumps(dict.fromkeys(fields[kind], "[erased]")).decode()
            lake.execute("UPDATE events SET data = json_merge_patch(data, ?::JSON) WHERE id = ?", [blanks, id_])
        return len(found)

    blanked = _keeping_the_place(lake, blank) if _naming(lake, address, fields) else 0
    if lake.execute(_UNFORGOTTEN).fetchall() != [(0,)]:
        # Files are written anew without what was deleted from them, then every older snapshot and its files go.
        _keeping_the_place(lake, lambda: lake.execute("CALL ducklake_flush_inlined_data(current_database())"))
        rewrite = "CALL ducklake_rewrite_data_files(current_database(), 'events', delete_threshold => 0)"
        _keeping_the_place(lake, lambda: lake.execute(rewrite))
        lake.execute("CALL ducklake_expire_snapshots(current_database(), older_than => now())")
        lake.execute("CALL ducklake_cleanup_old_files(current_database(), cleanup_all => true)")
    return blanked


def _keeping_the_place(lake: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Do it in a snapshot that says, as every one has to, up to where events were loaded."""
    lake.execute("BEGIN")
    loaded = _loaded_up_to(lake)
    done = work()
    lake.execute("CALL set_commit_message('harborgrid', 'erasure', extra_info => ?)", [str(loaded)])
    lake.execute("COMMIT")
    return done


def _loaded_up_to(lake: duckdb.DuckDBPyConnection) -> Position:
    row = lake.execute(
        "SELECT commit_extra_info FROM snapshots() "
        "WHERE commit_extra_info IS NOT NULL ORDER BY snapshot_id DESC LIMIT 1"
    ).fetchone()
    return Position.parse(row[0]) if row else START


def _not_in(lake: duckdb.DuckDBPyConnection, events: Sequence[RecordedEvent], loaded: Position) -> list[RecordedEvent]:
    """Events the lake lacks: those behind the last load, and those before it that were parked then."""
    earlier = [event.id for event in events if event.position <= loaded]
    known = set()
    if earlier:
        known = {
            row[0] for row in lake.execute("SELECT id FROM events WHERE id IN (SELECT unnest(?))", [earlier]).fetchall()
        }
    return [event for event in events if event.id not in known]


def _frame(events: Sequence[RecordedEvent]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "xid": event.position.xid,
                "seq": event.position.seq,
                "id": event.id,
                "type": event.type,
                "version": event.version,
                "timestamp": event.timestamp,
                "source": event.source,
                "user_id": event.user_id,
                "subject": event.subject,
                "data": orjson.dumps(event.data).decode(),
                "correlation_id": event.metadata.correlation_id,
                "causation_id": event.metadata.causation_id,
                "request_id": event.metadata.request_id,
            }
            for event in events
        ],
        schema=EVENTS,
    )
