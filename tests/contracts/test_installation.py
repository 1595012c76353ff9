"""`scripts/install.py` on a machine of its own: with uv where it can be had, with pip otherwise, hashes always."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

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
    (folder / "scripts").mkdir(exist_ok=True)
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


def test_refuses_a_package_that_is_not_the_locked_one_and_installs_the_one_that_is(tmp_path: Path) -> None:
    lock = locked("iniconfig", "setuptools")

    refused = install(tmp_path, setup=SETUP, lock=spoilt(lock))
    before = installed(tmp_path)
    done = install(tmp_path, setup=SETUP, lock=lock)

    assert 0 != refused.returncode
    assert "installing failed" in refused.stdout
    assert "iniconfig" not in before
    assert 0 == done.returncode, done.stdout + done.stderr
    assert {"iniconfig", "setuptools", "tiny", "uv"} <= installed(tmp_path)


def test_installs_with_pip_where_uv_cannot_be_had(tmp_path: Path) -> None:
    done = install(tmp_path, setup=spoilt(SETUP), lock=locked("iniconfig", "setuptools"))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert {"iniconfig", "setuptools", "tiny"} <= installed(tmp_path)
    assert "uv" not in installed(tmp_path)
