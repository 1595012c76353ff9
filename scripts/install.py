"""Makes .venv and installs a lock file into it: with uv where it can be had, with pip otherwise.

Runs on the machine's own Python, before anything is installed: standard library only.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def main(lock: str) -> int:
    """Install `lock` and the project itself. Returns the exit code."""
    if sys.version_info < (3, 11):
        print(f"HarborGrid needs Python 3.11 or newer, this is {sys.version.split()[0]}: set PYTHON=...")
        return 2
    if not PYTHON.exists():
        print("creating .venv", flush=True)
        venv.create(VENV, with_pip=True)
    print(f"installing {lock}", flush=True)
    installer = _uv() or [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for arguments in (["--require-hashes", "-r", lock], ["--no-deps", "--no-build-isolation", "-e", "."]):
        done = subprocess.run([*installer, *arguments], cwd=ROOT, check=False)
        if done.returncode:
            print(f"installing failed: {' '.join(map(str, done.args))}")
            return done.returncode
    return 0


def _uv() -> list[str] | None:
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    got = subprocess.run(
        [*pip, "--require-hashes", "-r", "requirements-setup.lock"], cwd=ROOT, check=False, capture_output=True
    )
    if got.returncode:
        return None
    return [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
