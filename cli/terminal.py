"""Ctrl-C under make."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def foreground() -> Iterator[None]:
    """Have the terminal to ourselves for the length of the block, if make runs us in its foreground.

    The terminal sends Ctrl-C to every process of the foreground group. Make is in it, and would end with an error even
    though we end in order. So we become a group of our own, which make waits for as for any command.
    """
    terminal = _of_make()
    if terminal is None:
        yield
        return
    makes_group = os.getpgrp()
    # Ctrl-Z would stop us and leave the terminal with nobody; taking it back must not stop us either.
    ignored = {told: signal.signal(told, signal.SIG_IGN) for told in (signal.SIGTSTP, signal.SIGTTOU)}
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, makes_group)
        os.close(terminal)
        for told, handler in ignored.items():
            signal.signal(told, handler)


def _of_make() -> int | None:
    """The terminal, if make is its foreground group and we are in it."""
    if "MAKELEVEL" not in os.environ:
        return None
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return None
    if os.tcgetpgrp(terminal) != os.getpgrp():
        os.close(terminal)
        return None
    return terminal
