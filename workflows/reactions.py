"""Which event starts or signals which workflow: all of it, on one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.automation.commands import RequestOnboarding
from domain.automation.events import OnboardingCancelRequested, OnboardingRequested
from domain.bus.event import Event
from workflows.sagas import onboarding
from workflows.sagas.onboarding import OnboardingSaga


@dataclass(frozen=True, slots=True)
class Starts:
    """The event starts this workflow, once per id; `summary` is what an operator reads in the Temporal UI."""

    on: type[Event]
    workflow: Callable[..., Any]
    id: Callable[[Any], str]
    input: Callable[[Any], Any]
    summary: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Signals:
    """The event signals a workflow that may be running; one that has ended is left alone."""

    on: type[Event]
    signal: Callable[..., Any]
    id: Callable[[Any], str]
    input: Callable[[Any], Any]


REACTIONS: tuple[Starts | Signals, ...] = (
    Starts(
        on=OnboardingRequested,
        workflow=OnboardingSaga.run,
        id=lambda fact: onboarding.workflow_id(fact.tenant_id, fact.onboarding_id),
        input=lambda fact: RequestOnboarding.model_validate(fact.model_dump()),
        summary=lambda fact: f"Onboarding of {fact.organisation}",
    ),
    Signals(
        on=OnboardingCancelRequested,
        signal=OnboardingSaga.cancel,
        id=lambda fact: onboarding.workflow_id(fact.tenant_id, fact.onboarding_id),
        input=lambda fact: fact.reason,
    ),
)

BY_TYPE = {reaction.on.about.type: reaction for reaction in REACTIONS}
