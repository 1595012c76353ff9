"""Onboardings: a new customer on the way through four modules, and what is known of each step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from domain.automation.ids import OnboardingId
from domain.bus.event import RecordedEvent
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload


class OnboardingStatus(StrEnum):
    """Where an onboarding stands; the last two are final."""

    RUNNING = "running"
    COMPLETED = "completed"
    COMPENSATED = "compensated"


class Onboarding(Payload):
    """A request to bring an organisation in, and how it ended."""

    id: OnboardingId
    tenant_id: TenantId
    workflow_id: str
    organisation: str
    owner_name: str
    owner_email: str
    plan_code: str
    locale: str
    timezone: str
    status: OnboardingStatus
    requested_at: datetime
    cancel_requested_at: datetime | None = None
    finished_at: datetime | None = None
    failed_step: str | None = None
    error_code: str | None = None
    error_reason: str | None = None


class StepName(StrEnum):
    """The steps of an onboarding, in order; each is the activity that does it."""

    CREATE_SUBSCRIPTION = "billing.create_subscription"
    PROVISION_TENANT = "security.provision_tenant"
    INITIALIZE_DASHBOARD = "analytics.initialize_dashboard"
    SEND_WELCOME_EMAIL = "notifications.send_welcome_email"


class StepState(StrEnum):
    """Where one step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    SKIPPED = "skipped"


class OnboardingProgress(Payload):
    """Each step's state, for whoever asks."""

    steps: dict[StepName, StepState]
    next: str


class OnboardingResult(Payload):
    """How it ended, and what was undone, in that order."""

    completed: bool
    compensated: tuple[str, ...] = ()
    error_code: str = ""
    reason: str = ""


class Step(Payload):
    """One step as the event stream tells it."""

    name: StepName
    state: StepState
    done_at: datetime | None = None
    compensated_at: datetime | None = None


_DONE = {
    "billing.subscription.created": StepName.CREATE_SUBSCRIPTION,
    "security.tenant.provisioned": StepName.PROVISION_TENANT,
    "analytics.dashboard.created": StepName.INITIALIZE_DASHBOARD,
    "notification.sent": StepName.SEND_WELCOME_EMAIL,
}
_UNDONE = {
    "billing.subscription.canceled": StepName.CREATE_SUBSCRIPTION,
    "security.tenant.deprovisioned": StepName.PROVISION_TENANT,
    "analytics.dashboard.deleted": StepName.INITIALIZE_DASHBOARD,
}


def steps_told_by(story: Sequence[RecordedEvent], onboarding: Onboarding) -> list[Step]:
    """The steps' states, read from the events with this onboarding's correlation id, oldest first.

    The events are the truth about effects; the onboarding's row adds how it ended and which step failed.
    """
    done = {_DONE[event.type]: event.timestamp for event in story if event.type in _DONE}
    undone = {_UNDONE[event.type]: event.timestamp for event in story if event.type in _UNDONE}
    steps = []
    running_given = False
    compensating = onboarding.cancel_requested_at is not None or bool(undone)
    for name in StepName:
        if name in undone:
            state = StepState.COMPENSATED
        elif name in done:
            compensable = name is not StepName.SEND_WELCOME_EMAIL
            still_to_undo = compensating and compensable and onboarding.status is OnboardingStatus.RUNNING
            state = StepState.COMPENSATING if still_to_undo else StepState.DONE
        elif name == onboarding.failed_step:
            state = StepState.FAILED
        elif onboarding.status is not OnboardingStatus.RUNNING or compensating:
            state = StepState.SKIPPED
        else:
            state = StepState.PENDING if running_given else StepState.RUNNING
            running_given = True
        steps.append(Step(name=name, state=state, done_at=done.get(name), compensated_at=undone.get(name)))
    return steps


def what_happens_next(onboarding: Onboarding, steps: Sequence[Step]) -> str:
    """One sentence for a person who waits."""
    if onboarding.status is OnboardingStatus.COMPLETED:
        return "Nothing: the organisation is onboarded."
    if onboarding.status is OnboardingStatus.COMPENSATED:
        return "Nothing: everything that was done has been undone. A new onboarding may be requested."
    to_undo = [step.name for step in reversed(steps) if step.state is StepState.COMPENSATING]
    if to_undo:
        return f"{to_undo[0]} is undone next."
    running = [step.name for step in steps if step.state is StepState.RUNNING]
    if running:
        return f"{running[0]} runs, and is retried until it succeeds or is refused."
    return "The onboarding is being closed."
