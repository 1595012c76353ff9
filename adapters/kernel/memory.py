"""Tells the garbage collector what a long-running process is like."""

import gc

_YOUNG_OBJECTS = 20_000
_WHILE_LOADING = 100_000


def load_at_ease() -> None:
    """Call before anything else is imported: what modules make stays.

    Looking through it again and again is a quarter of the time that it takes to start.
    """
    gc.set_threshold(_WHILE_LOADING)


def settle() -> None:
    """Call once everything is loaded: what is there now stays, and is not looked at again and again.

    A request or an event makes a few objects that die with it. With Python's own threshold of 700 the collector ran
    after every few of them, and took up to a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
