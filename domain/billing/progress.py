"""How billing's processes say where they stand."""

from __future__ import annotations

from domain.security.commands import Progress


class BooksProgress(Progress):
    """Where a process stands whose state is in the books: `next` happens at `next_at`, because of `why`.

    Unless somebody acts before. over: nothing happens any more.
    """

    why: str = ""
    over: bool = False
