"""Test clocks: added, and advanced by their process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from domain.billing.clock_errors import ClockAdvancing, ClockInstantInvalid
from domain.billing.clock_events import ClockAdvanced, ClockAdvanceRequested
from domain.billing.clock_model import SimulatedClock
from domain.billing.ids import ClockId
from domain.billing.permissions import ADD_TEST_CLOCK, ADVANCE_TEST_CLOCK
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission

_FARTHEST, _FARTHEST_BEGIN = timedelta(days=2 * 366), timedelta(days=5 * 366)


class ClockBooks:
    """One tenant's test clocks in one transaction, at one instant of the world's."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, world: datetime) -> None:
        self.uow, self.tenant, self.world = uow, tenant, world

    async def add(self, clock: SimulatedClock) -> SimulatedClock:
        """A new one. Raises ClockInstantInvalid."""
        self._ahead(clock.now, self.world - timedelta(minutes=5), self.world + _FARTHEST_BEGIN)
        await self.uow.clocks.put(clock)
        self._audit(ADD_TEST_CLOCK, clock.id, {"now": clock.now.isoformat()})
        return clock

    async def request_advance(self, clock_id: ClockId, to: datetime) -> SimulatedClock:
        """Its process does it. Raises ClockNotFound, ClockAdvancing, ClockInstantInvalid."""
        clock = await self.uow.clocks.hold(clock_id)
        if clock.target is not None:
            raise ClockAdvancing(target=clock.target)
        shows = clock.at(self.world)
        self._ahead(to, shows, shows + _FARTHEST)
        asked = clock.model_copy(update={"now": shows, "set_at": self.world, "target": to})
        await self.uow.clocks.put(asked)
        self.uow.events.append(
            ClockAdvanceRequested(tenant_id=self.tenant, clock_id=clock_id, to=to, occurred_at=self.world)
        )
        self._audit(ADVANCE_TEST_CLOCK, clock_id, {"to": to.isoformat()})
        return asked

    async def reach(self, clock_id: ClockId, now: datetime) -> SimulatedClock:
        """It shows this; once that is where it was to go, it is there. Raises ClockNotFound."""
        clock = await self.uow.clocks.hold(clock_id)
        there = clock.target is not None and now >= clock.target
        shown = clock.model_copy(
            update={
                "now": max(now, clock.now),
                "set_at": self.world,
                "target": None if there else clock.target,
            }
        )
        await self.uow.clocks.put(shown)
        if there:
            self.uow.events.append(
                ClockAdvanced(tenant_id=self.tenant, clock_id=clock_id, to=shown.now, occurred_at=self.world)
            )
        return shown

    @staticmethod
    def _ahead(to: datetime, after: datetime, until: datetime) -> None:
        if not after <= to <= until:
            raise ClockInstantInvalid(at=to, earliest=after, latest=until)

    def _audit(self, permission: Permission, resource: str, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=resource, details=details)
        )
