"""How billing's processes begin, and how they say where they stand."""

from __future__ import annotations

from datetime import datetime

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.commands import Progress


class Followed(Payload):
    """What a process is about. since: when that began, which a test clock may have put into the future."""

    tenant_id: TenantId
    since: datetime | None = None


class BooksProgress(Progress):
    """Where a process stands whose state is in the books: `next` happens at `next_at`, because of `why`.

    Unless somebody acts before. over: nothing happens any more.
    """

    why: str = ""
    over: bool = False
