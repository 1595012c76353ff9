"""The lake: one DuckLake catalogue per tenant in PostgreSQL, encrypted Parquet files in a folder of its own.

Extensions come from wheels and are loaded by path; nothing is downloaded, and nothing loads by itself.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa

from domain.analytics.errors import StatementRefused

_EXTENSIONS = ("httpfs", "postgres_scanner", "ducklake")

EVENTS = pa.schema(
    [
        ("xid", pa.int64()),
        ("seq", pa.int64()),
        ("id", pa.string()),
        ("type", pa.string()),
        ("version", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("source", pa.string()),
        ("user_id", pa.string()),
        ("subject", pa.string()),
        ("data", pa.string()),
        ("correlation_id", pa.string()),
        ("causation_id", pa.string()),
        ("request_id", pa.string()),
    ]
)
"""One row per event of the tenant; `data` is JSON."""

EVENTS_DDL = """
CREATE TABLE lake.events (
    xid BIGINT, seq BIGINT, id VARCHAR, type VARCHAR, version VARCHAR, "timestamp" TIMESTAMPTZ, source VARCHAR,
    user_id VARCHAR, subject VARCHAR, data JSON, correlation_id VARCHAR, causation_id VARCHAR, request_id VARCHAR
)
"""


def open_session() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the lake's extensions, UTC, and no way to load others."""
    session = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "2"}
    )
    for extension in _EXTENSIONS:
        session.execute(f"LOAD '{_extension_path(extension)}'")
    session.execute("SET TimeZone = 'UTC'")
    return session


def attach(
    session: duckdb.DuckDBPyConnection,
    dsn: str,
    schema: str,
    *,
    name: str = "lake",
    files: Path | None = None,
    read_only: bool = True,
) -> None:
    """Attach a tenant's lake under this name. `files` is needed only to create one."""
    options = [f"METADATA_SCHEMA '{schema}'", "ENCRYPTED", "DATA_INLINING_ROW_LIMIT 500"]
    if files is not None:
        options.append(f"DATA_PATH '{files}/'")
    if read_only:
        options.append("READ_ONLY")
    else:
        options.append(f"CREATE_IF_NOT_EXISTS {'true' if files is not None else 'false'}")
    session.execute(f"ATTACH 'ducklake:postgres:{libpq(dsn)}' AS \"{name}\" ({', '.join(options)})")


def libpq(dsn: str) -> str:
    """A PostgreSQL URL as libpq keywords, quoted for a DuckDB string."""
    url = urlsplit(dsn)
    words = {
        "host": url.hostname,
        "port": url.port or 5432,
        "user": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "dbname": url.path.lstrip("/"),
    }
    return " ".join(f"{name}={value}" for name, value in words.items() if value).replace("'", "''")


def _extension_path(extension: str) -> Path:
    package = find_spec(f"duckdb_extension_{extension}")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"the wheel duckdb-extension-{extension} is not installed")
    folder = Path(package.origin).parent / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{extension}.duckdb_extension"


_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


def lock_down(session: duckdb.DuckDBPyConnection, files: Path) -> None:
    """Let the session read this folder and nothing else, for good."""
    session.execute(f"SET allowed_directories = ['{files}/']")
    session.execute("SET enable_external_access = false")
    session.execute("SET lock_configuration = true")


def refuse_changes(session: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises StatementRefused unless every statement only reads; duckdb.ParserException if it is no SQL.

    COPY ... TO would write to the allowed folder even in a locked-down session, so kinds are an allow-list.
    """
    for statement in session.extract_statements(sql):
        if statement.type not in _READS:
            raise StatementRefused(f"{statement.type.name} changes something")
