"""Advances test clocks: moves the clock of each process to where its next step is due, by Temporal's time skipping.

Each customer's processes are independent of other customers', so within a customer what is due first happens first, and
customers advance side by side. Nothing is simulated but time: the processes do what they always do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

from domain.billing.clock_commands import AdvanceClock, ClockProgress
from domain.billing.clock_errors import ClockStuck
from domain.billing.clock_model import Ahead, Waiting
from domain.billing.clocks import ClockBooks
from domain.billing.ids import CustomerId
from domain.billing.ports import BillingUnitOfWork
from domain.kernel.ids import TenantId
from domain.kernel.ports import Transactions

_AT_ONCE = 8
_MONTH = timedelta(days=31)
_BEHIND = timedelta(seconds=2)
"""Processes look a second after what is due, and a clock that is read a moment ago has gone on since."""

_PATIENCE_SECONDS = 60.0


class TimeMachine:
    """See `domain.billing.clock_commands.TimeMachine`."""

    def __init__(self, books: Transactions[BillingUnitOfWork], client: Client, world: Callable[[], datetime]) -> None:
        self._books, self._client, self._world = books, client, world

    async def advance(self, cmd: AdvanceClock) -> ClockProgress:
        """The next month, or what is left of it. Raises ClockNotFound, ClockStuck."""
        clock = await self._books(cmd.tenant_id, lambda uow: uow.clocks.hold(cmd.clock_id))
        to = min(cmd.to, clock.now + _MONTH)
        customers = await self._books(cmd.tenant_id, lambda uow: uow.clocks.customers(cmd.clock_id))
        journey = _Journey(self._books, TimeSkipper(self._client), self._client, cmd.tenant_id, to)
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(customer: CustomerId) -> int:
            async with turn:
                return await journey.of(customer)

        steps = sum(await asyncio.gather(*(one(customer) for customer in customers)))
        world = self._world()
        await self._books(cmd.tenant_id, lambda uow: ClockBooks(uow, cmd.tenant_id, world).reach(cmd.clock_id, to))
        status = "advanced" if to == cmd.to else "advancing"
        return ClockProgress(status=status, customers=len(customers), steps=steps, shows=to, to=cmd.to)


class _Journey:
    """One step of an advance."""

    def __init__(
        self,
        books: Transactions[BillingUnitOfWork],
        skipper: TimeSkipper,
        client: Client,
        tenant: TenantId,
        to: datetime,
    ) -> None:
        self._books, self._skipper, self._client = books, skipper, client
        self._tenant, self._to = tenant, to

    async def of(self, customer: CustomerId) -> int:
        """Let everything happen to a customer; how many steps that were."""
        steps = 0
        while True:
            ahead = await self._quiet(customer)
            first = ahead.first
            if first is None or first.at > self._to:
                return steps
            await self._forward(first)
            await self._happened(customer, first)
            steps += 1

    async def _quiet(self, customer: CustomerId) -> Ahead:
        """What comes, once nothing is happening right now."""
        return await self._until(customer, lambda ahead: not ahead.busy, "a payment that is being sent")

    async def _happened(self, customer: CustomerId, what: Waiting) -> None:
        await self._until(customer, lambda ahead: what not in ahead.waiting, self._id(what))

    async def _until(self, customer: CustomerId, so: Callable[[Ahead], bool], what: str) -> Ahead:
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), 0.005
        while True:
            ahead = await self._books(self._tenant, lambda uow: uow.clocks.ahead(customer))
            if so(ahead):
                return ahead
            if loop.time() - began > _PATIENCE_SECONDS:
                raise ClockStuck(workflow_id=what, customer_id=customer)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.2)

    async def _forward(self, what: Waiting) -> None:
        """Move the clock of its process there, unless it shows that already."""
        handle = self._client.get_workflow_handle(self._id(what))
        shows = await self._clock(handle, what)
        if what.at + _BEHIND > shows:
            await self._skipper.fast_forward(handle, what.at + _BEHIND - shows)

    async def _clock(self, handle: WorkflowHandle[object, object], what: Waiting) -> datetime:
        """What its process says that the time is. One that was only just asked for is waited for."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            try:
                shown: datetime = await handle.query("clock", result_type=datetime)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            else:
                return shown
            if loop.time() - began > _PATIENCE_SECONDS:
                raise ClockStuck(workflow_id=handle.id, kind=what.kind.value)
            await asyncio.sleep(0.02)

    def _id(self, what: Waiting) -> str:
        return f"{self._tenant}/billing/{what.kind}/{what.id}"
