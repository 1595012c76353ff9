"""Ctrl-C in a terminal, with make in between."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WAITS = """
import signal
from cli.terminal import foreground

def told(*_):
    print("in order", flush=True)
    raise SystemExit(0)

with foreground():
    signal.signal(signal.SIGINT, told)
    print("waiting", flush=True)
    signal.pause()
"""
CTRL_C = b"\x03"


def _ctrl_c_under_make(folder: Path) -> tuple[str, int]:
    """What a terminal shows, and make's exit code."""
    (folder / "waits.py").write_text(WAITS)
    (folder / "Makefile").write_text(f"up:\n\t@{sys.executable} {folder / 'waits.py'}\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execvp("make", ["make", "-C", str(folder), "--no-print-directory", "up"])
    shown, pressed = b"", False
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk
            # Once: what is shown may come in pieces, and a second one would be for make itself.
            if b"waiting" in shown and not pressed:
                pressed = True
                os.write(terminal, CTRL_C)
    except OSError:
        # Linux says EIO when the last process has let go of the terminal.
        pass
    _, status = os.waitpid(pid, 0)
    return shown.decode(), os.waitstatus_to_exitcode(status)


def test_ctrl_c_under_make_ends_in_order_with_exit_code_0(tmp_path: Path) -> None:
    shown, code = _ctrl_c_under_make(tmp_path)

    assert "in order" in shown
    assert "Interrupt" not in shown
    assert code == 0
