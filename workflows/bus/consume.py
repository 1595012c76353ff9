"""Hand one tenant's events to one subscription, in order, for as long as there are any."""

from __future__ import annotations

from temporalio import workflow

from activities.bus import BusActivities
from activities.options import LONG_COMPUTATION, OWN_DATABASE_AT_ONCE
from domain.bus.event import START, Position
from domain.bus.model import Batch, Consume, ConsumerProgress, ParkedId
from domain.kernel.ids import TenantId


def workflow_id(tenant: TenantId, subscription: str) -> str:
    """The one reader of this subscription for this tenant."""
    return f"{tenant}/bus/consume/{subscription}"


@workflow.defn(name="bus.consume")
class ConsumeWorkflow:
    """Signals only say how far there is something to read; the events stay in the store."""

    @workflow.init
    def __init__(self, input: Consume) -> None:
        self._target = input.target
        self._redeliver = list(input.redeliver)
        self._cursor = START
        self._handled = self._parked = 0
        self._more = False

    @workflow.run
    async def run(self, input: Consume) -> None:
        """Read on whenever there is more; hand over to a fresh run before the history grows long."""
        while not workflow.info().is_continue_as_new_suggested():
            await workflow.wait_condition(lambda: self._more or self._cursor < self._target or bool(self._redeliver))
            await self._deliver(input)
        workflow.continue_as_new(input.model_copy(update={"target": self._target, "redeliver": tuple(self._redeliver)}))

    @workflow.signal
    def events(self, up_to: Position) -> None:
        """There are events up to here."""
        self._target = max(self._target, Position(*up_to))

    @workflow.signal
    def redeliver(self, parked_id: ParkedId) -> None:
        """Try a parked event again."""
        self._redeliver.append(parked_id)

    @workflow.query
    def progress(self) -> ConsumerProgress:
        """How far the reader is."""
        return ConsumerProgress(
            cursor=str(self._cursor), target=str(self._target), handled=self._handled, parked=self._parked
        )

    async def _deliver(self, input: Consume) -> None:
        again, self._redeliver = tuple(self._redeliver), []
        target = self._target
        batch = Batch(subscription=input.subscription, tenant_id=input.tenant_id, up_to=target, redeliver=again)
        if input.in_transaction:
            progress = await workflow.execute_local_activity_method(
                BusActivities.deliver, batch, summary=f"up to {target}", **OWN_DATABASE_AT_ONCE
            )
        else:
            progress = await workflow.execute_activity_method(
                BusActivities.deliver, batch, summary=f"up to {target}", **LONG_COMPUTATION
            )
        # The store's cursor stands on the last wanted event; ours says up to where nothing is left to do.
        self._more = progress.more
        self._cursor = progress.cursor if progress.more else max(progress.cursor, target)
        self._handled += progress.handled
        self._parked = progress.parked
        workflow.set_current_details(f"{self._handled} handled in this run, {self._parked} parked, at {self._cursor}")
