"""The event bus's durable steps."""

from __future__ import annotations

from temporalio import activity

from domain.bus.model import Batch, Progress, Rebuild, RebuildReport
from domain.bus.ports import Rebuilder, Subscriptions


class BusActivities:
    """Steps that hand events to their readers."""

    def __init__(self, subscriptions: Subscriptions, rebuilder: Rebuilder) -> None:
        self._subscriptions, self._rebuilder = subscriptions, rebuilder

    @activity.defn(name="bus.deliver")
    async def deliver(self, batch: Batch) -> Progress:
        """Hand over the next events up to the batch's position; effect and cursor are one transaction."""
        return await self._subscriptions.deliver(batch, attempt=activity.info().attempt)

    @activity.defn(name="bus.rebuild_projection")
    async def rebuild_projection(self, cmd: Rebuild) -> RebuildReport:
        """Replay a tenant's events into a shadow of the projection and compare the two."""
        return await self._rebuilder.rebuild(cmd, heartbeat=activity.heartbeat)
