"""Lets events start and signal workflows, as workflows/reactions.py says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.postgres.session import Session
from adapters.temporal.starter import WorkflowStarter
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.catalogue import CATALOGUE
from domain.kernel.context import Context, within
from domain.kernel.ids import TenantId
from workflows.reaction_kinds import Signals, Starts, Wakes
from workflows.reactions import BY_TYPE


class ReactionHandler:
    """The relay hands every event here directly; only parked ones come through a delivery."""

    subscription = Subscription(
        name="workflow.reactions",
        kind=SubscriptionKind.REACTIONS,
        types=tuple(BY_TYPE),
        purpose="Starts and signals the workflows that an event sets off.",
    )
    in_transaction = False

    def __init__(self, starter: WorkflowStarter) -> None:
        self._starter = starter

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Always."""
        return True

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """React to each, in order."""
        for event in events:
            await self.react(event)

    async def react(self, event: RecordedEvent) -> None:
        """Start or signal, as part of the event's story. Raises WorkflowsUnavailable; repeats do nothing."""
        fact = CATALOGUE.read(event.type, event.version, event.data)
        context = Context(
            tenant_id=event.tenant_id,
            user_id=event.user_id,
            correlation_id=event.metadata.correlation_id,
            causation_id=event.id,
            request_id=event.metadata.request_id,
            traceparent=event.metadata.traceparent,
        )
        with within(context):
            for reaction in BY_TYPE[event.type]:
                if reaction.when(fact):
                    await self._set_off(reaction, fact)

    async def _set_off(self, reaction: Starts | Signals | Wakes, fact: Any) -> None:
        match reaction:
            case Starts():
                await self._starter.start(
                    reaction.workflow,
                    reaction.input(fact),
                    id=reaction.id(fact),
                    summary=reaction.summary(fact),
                    at=reaction.at(fact),
                )
            case Signals():
                await self._starter.signal(reaction.id(fact), reaction.signal, reaction.input(fact))
            case Wakes():
                await self._starter.signal_with_start(
                    reaction.workflow,
                    reaction.input(fact),
                    id=reaction.id(fact),
                    summary=reaction.summary(fact),
                    signal=reaction.signal.__name__,
                    arg=reaction.told(fact),
                )
