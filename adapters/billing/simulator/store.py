"""What the simulated providers remember, in a SQLite file: it survives whoever kills them."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS object (
    account TEXT, id TEXT, kind TEXT, number INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT, UNIQUE (account, id)
);
CREATE INDEX IF NOT EXISTS object_kind ON object (account, kind, number);
CREATE TABLE IF NOT EXISTS answer (
    account TEXT, key TEXT, fingerprint TEXT, status INTEGER, body TEXT, PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS fault (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, path TEXT, kind TEXT, left_over INTEGER, seconds REAL
);
CREATE TABLE IF NOT EXISTS decline (
    account TEXT, payment_method TEXT, code TEXT, left_over INTEGER, PRIMARY KEY (account, payment_method)
);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, endpoint TEXT, event TEXT, due REAL, attempts INTEGER
);
"""

Document = dict[str, Any]


class Store:
    """Objects by account, answers by idempotency key, faults that wait, and webhooks to deliver."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._sql = sqlite3.connect(path, isolation_level=None)
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.execute("PRAGMA synchronous=NORMAL")
        self._sql.executescript(_TABLES)
        self.clock = clock

    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def make(self, account: str, prefix: str, kind: str, **fields: Any) -> Document:
        """A new object, kept."""
        name = f"{prefix}_{secrets.token_hex(12)}"
        document = {"id": name, "object": kind, "created": self.now(), "livemode": False, **fields}
        self._sql.execute(
            "INSERT INTO object (account, id, kind, document) VALUES (?, ?, ?, ?)",
            (account, name, kind, json.dumps(document)),
        )
        return document

    def keep(self, account: str, document: Document) -> None:
        """It has changed."""
        self._sql.execute(
            "UPDATE object SET document = ? WHERE account = ? AND id = ?",
            (json.dumps(document), account, document["id"]),
        )

    def find(self, account: str, id_: str) -> Document | None:
        """The object, if the account has it."""
        row = self._sql.execute("SELECT document FROM object WHERE account = ? AND id = ?", (account, id_)).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, account: str, kind: str) -> list[Document]:
        """Newest first."""
        rows = self._sql.execute(
            "SELECT document FROM object WHERE account = ? AND kind = ? ORDER BY number DESC", (account, kind)
        )
        return [json.loads(row[0]) for row in rows]

    def answered(self, account: str, key: str) -> tuple[str, int, str] | None:
        """Fingerprint of the request, status and body that this idempotency key has."""
        found: tuple[str, int, str] | None = self._sql.execute(
            "SELECT fingerprint, status, body FROM answer WHERE account = ? AND key = ?", (account, key)
        ).fetchone()
        return found

    def answer(self, account: str, key: str, fingerprint: str, status: int, body: str) -> None:
        """Say the same to whoever asks with this key again."""
        self._sql.execute("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", (account, key, fingerprint, status, body))

    def plan_fault(self, account: str, path: str, kind: str, times: int, seconds: float) -> None:
        """Requests whose path begins so go wrong, so many times."""
        self._sql.execute(
            "INSERT INTO fault (account, path, kind, left_over, seconds) VALUES (?, ?, ?, ?, ?)",
            (account, path, kind, times, seconds),
        )

    def next_fault(self, account: str, path: str) -> tuple[str, float] | None:
        """What goes wrong with this request: kind and seconds. It is used up by asking."""
        found = self._sql.execute(
            "SELECT number, kind, seconds FROM fault WHERE account = ? AND ? LIKE path || '%' AND left_over > 0 "
            "ORDER BY number LIMIT 1",
            (account, path),
        ).fetchone()
        if found is None:
            return None
        self._sql.execute("UPDATE fault SET left_over = left_over - 1 WHERE number = ?", (found[0],))
        return found[1], found[2]

    def plan_declines(self, account: str, payment_method: str, code: str, times: int) -> None:
        """The next charges of this payment method are declined so; none, if `times` is 0."""
        self._sql.execute("INSERT OR REPLACE INTO decline VALUES (?, ?, ?, ?)", (account, payment_method, code, times))

    def next_decline(self, account: str, payment_method: str) -> str | None:
        """Why this charge is declined, if it is; used up by asking."""
        found: tuple[str] | None = self._sql.execute(
            "UPDATE decline SET left_over = left_over - 1 WHERE account = ? AND payment_method = ? AND left_over > 0 "
            "RETURNING code",
            (account, payment_method),
        ).fetchone()
        return found[0] if found else None

    def post(self, account: str, endpoint: str, event: Document, due: float) -> None:
        """A webhook to deliver then."""
        self._sql.execute(
            "INSERT INTO delivery (account, endpoint, event, due, attempts) VALUES (?, ?, ?, ?, 0)",
            (account, endpoint, json.dumps(event), due),
        )

    def due(self) -> list[tuple[int, str, str, str, int]]:
        """Webhooks to deliver now: number, account, endpoint, event, attempts so far."""
        return self._sql.execute(
            "SELECT number, account, endpoint, event, attempts FROM delivery WHERE due <= ? ORDER BY due, number",
            (self.clock(),),
        ).fetchall()

    def delivered(self, number: int) -> None:
        """It arrived, or nobody tries any more."""
        self._sql.execute("DELETE FROM delivery WHERE number = ?", (number,))

    def later(self, number: int, due: float) -> None:
        """It did not arrive; try again then."""
        self._sql.execute("UPDATE delivery SET (due, attempts) = (?, attempts + 1) WHERE number = ?", (due, number))

    def close(self) -> None:
        """No more."""
        self._sql.close()
