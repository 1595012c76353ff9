"""`scripts/install.py` on a machine of its own: with uv where it can be had, with pip otherwise, hashes always."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements-dev.lock").read_text()
SETUP = (ROOT / "requirements-setup.lock").read_text()
PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1.0"
[tool.setuptools]
py-modules = []
"""


def locked(*names: str) -> str:
    """What our lock says of these packages."""
    return "\n".join(re.findall(rf"^(?:{'|'.join(names)})==(?:.*\\\n)+.*$", LOCK, re.MULTILINE)) + "\n"


def spoilt(lock: str) -> str:
    """The same versions with hashes that nothing has."""
    return re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock)


def install(folder: Path, *, setup: str, lock: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a project with two packages to install."""
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "install.py", folder / "scripts")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "requirements-setup.lock").write_text(setup)
    (folder / "tiny.lock").write_text(lock)
    return subprocess.run(
        [sys.executable, "scripts/install.py", "tiny.lock"], cwd=folder, check=False, capture_output=True, text=True
    )


def installed(folder: Path) -> set[str]:
    """Names of what is in its environment."""
    found = (folder / ".venv" / "lib").glob("python*/site-packages/*.dist-info")
    return {path.name.partition("-")[0] for path in found}


@pytest.mark.parametrize(("setup", "has_uv"), [(SETUP, True), (spoilt(SETUP), False)], ids=["uv", "pip"])
def test_installs_the_lock_and_the_project(tmp_path: Path, setup: str, *, has_uv: bool) -> None:
    done = install(tmp_path, setup=setup, lock=locked("iniconfig", "setuptools"))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert {"iniconfig", "setuptools", "tiny"} <= installed(tmp_path)
    assert has_uv == ("uv" in installed(tmp_path))


def test_refuses_a_package_that_is_not_the_locked_one(tmp_path: Path) -> None:
    done = install(tmp_path, setup=SETUP, lock=spoilt(locked("iniconfig", "setuptools")))

    assert 0 != done.returncode
    assert "installing failed" in done.stdout
    assert "iniconfig" not in installed(tmp_path)
