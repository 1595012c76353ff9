"""What billing can be asked to do about test clocks by a process."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.billing.ids import ClockId
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.commands import Progress


class AdvanceClock(Payload):
    """Let everything happen to a clock's customers that is due by then, each thing at its own time.

    One step of it goes a month at most.
    """

    tenant_id: TenantId
    clock_id: ClockId
    to: datetime


class ClockProgress(Progress):
    """How far it is. steps: what has happened to customers on the way. shows: everything until then has."""

    customers: int = 0
    steps: int = 0
    shows: datetime | None = None
    to: datetime | None = None


class TimeMachine(Protocol):
    """Moves the clocks of processes."""

    async def advance(self, cmd: AdvanceClock) -> ClockProgress:
        """The next month, or what is left of it. May be done again. Raises ClockNotFound, ClockStuck."""
        ...
