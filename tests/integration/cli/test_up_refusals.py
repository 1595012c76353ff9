"""`harborgrid up` that cannot start says which variable or folder is in the way, and ends with code 2."""

from __future__ import annotations

import fcntl
import socket
from pathlib import Path

from conftest import free_port
from integration.cli.harborgrid_command import PORTS, run


def of_its_own(folder: Path) -> dict[str, str]:
    """Variables of a platform in this folder, on free ports."""
    return {"HARBORGRID_DATA_DIR": str(folder / "data"), **{name: str(free_port()) for name in PORTS}}


class TestUp:
    async def test_names_the_variable_of_a_busy_port(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = str(other.getsockname()[1])

            told = await run("up", folder=tmp_path, **{**of_its_own(tmp_path), "HARBORGRID_MAILBOX_PORT": taken})

        assert 2 == told.code, told.out
        assert f"HARBORGRID_MAILBOX_PORT: port {taken} is in use by another program" in told.err
        assert "set the variable to a free port" in told.err

    async def test_refuses_a_folder_of_a_newer_release(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "LAYOUT").write_text("99\n")

        told = await run("up", folder=tmp_path, **of_its_own(tmp_path))

        assert 2 == told.code, told.out
        assert "was written by a newer HarborGrid (layout 99" in told.err
        assert "Update HarborGrid, or choose another folder" in told.err
        assert "99\n" == (tmp_path / "data" / "LAYOUT").read_text()

    async def test_refuses_a_cluster_of_a_newer_postgresql(self, tmp_path: Path) -> None:
        cluster = tmp_path / "data" / "postgres"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("99\n")

        told = await run("up", folder=tmp_path, **of_its_own(tmp_path))

        assert 2 == told.code, told.out
        assert "was written by PostgreSQL 99" in told.err
        assert "Update HarborGrid, or point HARBORGRID_DATA_DIR to another folder" in told.err
        assert ["PG_VERSION"] == [path.name for path in cluster.iterdir()]

    async def test_refuses_a_folder_that_another_one_uses(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        with (tmp_path / "data" / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

            told = await run("up", folder=tmp_path, **of_its_own(tmp_path))

        assert 2 == told.code, told.out
        assert "another `harborgrid up` uses" in told.err
        assert "stop it first, or choose another folder" in told.err
