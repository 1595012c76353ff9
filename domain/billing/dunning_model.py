"""Dunning: what is done about an invoice that could not be collected, step by step, until it is paid or given up."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from domain.billing.events import Decline
from domain.billing.ids import CustomerId, InvoiceId, PaymentId, SubscriptionId
from domain.billing.metering_model import Code
from domain.billing.plan_model import Label
from domain.kernel.money import Money
from domain.kernel.payload import Body, Payload


class DunningAction(StrEnum):
    """What a step does.

    retry: try to collect again. remind: write to the customer. suspend: tell everybody who entitles that the
    subscription is not paid for. downgrade: another plan from now on. cancel: end the subscription now. write_off:
    nobody expects the money any more.
    """

    RETRY = "retry"
    REMIND = "remind"
    SUSPEND = "suspend"
    DOWNGRADE = "downgrade"
    CANCEL = "cancel"
    WRITE_OFF = "write_off"


class DunningChannel(StrEnum):
    """How a customer is written to. event: the tenant's own systems do it when they hear `billing.dunning.stepped`."""

    EMAIL = "email"
    EVENT = "event"


class DunningTemplate(StrEnum):
    """Which words a reminder has."""

    PAYMENT_FAILED = "payment_failed"
    REMINDER = "reminder"
    LAST_REMINDER = "last_reminder"
    AUTHENTICATE = "authenticate"
    SUSPENDED = "suspended"
    CANCELED = "canceled"
    WIN_BACK = "win_back"


class DunningStepTerms(Body):
    """One step of a policy."""

    action: DunningAction = Field(examples=["retry"])
    after_days: int = Field(ge=0, le=365, strict=True, description="Days after the first failure.", examples=[3])
    hour: int = Field(default=10, ge=0, le=23, strict=True, description="Where the customer is.", examples=[10])
    payday: StrictBool = Field(
        default=False,
        description="Not before one of the policy's paydays, if one comes within ten days.",
        examples=[True],
    )
    declines: Annotated[tuple[Decline, ...], Field(min_length=1, max_length=3)] = Field(
        default=tuple(Decline), description="Only after failures of these kinds.", examples=[["soft"]]
    )
    channel: DunningChannel = Field(default=DunningChannel.EMAIL, examples=["email"])
    template: DunningTemplate | None = Field(default=None, description="Of `remind`.", examples=["reminder"])
    plan_code: Code | None = Field(default=None, description="Of `downgrade`.", examples=["free"])
    approval: StrictBool = Field(default=False, description="Waits until somebody approves it.", examples=[False])

    @model_validator(mode="after")
    def _complete(self) -> DunningStepTerms:
        if (self.action is DunningAction.REMIND) is not (self.template is not None):
            raise ValueError("remind needs a template, and nothing else has one")
        if (self.action is DunningAction.DOWNGRADE) is not (self.plan_code is not None):
            raise ValueError("downgrade needs a planCode, and nothing else has one")
        return self


class DunningPolicyTerms(Body):
    """What is done about invoices that could not be collected, in the order of days."""

    name: Label = Field(examples=["Three weeks"])
    paydays: Annotated[tuple[Annotated[int, Field(ge=1, le=31, strict=True)], ...], Field(max_length=31)] = Field(
        default=(1, 15), description="Days of the month; one that the month lacks is its last.", examples=[[1, 15]]
    )
    approval_above_minor: int | None = Field(
        default=None,
        ge=0,
        strict=True,
        description="Suspending, downgrading, canceling and writing off more than this waits for approval.",
        examples=[100_000],
    )
    steps: Annotated[tuple[DunningStepTerms, ...], Field(min_length=1, max_length=50)] = Field(
        examples=[[{"action": "retry", "afterDays": 3, "declines": ["soft"]}]]
    )


class DunningPolicy(DunningPolicyTerms):
    """A tenant's; revision 0 is the one that comes with the product."""

    revision: int
    updated_at: datetime | None = None


class DunningStatus(StrEnum):
    """Where a case stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    RECOVERED = "recovered"
    EXHAUSTED = "exhausted"
    STOPPED = "stopped"


class StepStatus(StrEnum):
    """Where a step of a case stands. unfit: it is not for failures of the last kind."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    UNFIT = "unfit"


class DunningStep(Payload):
    """A step of a case, with the instant at which it is due. outcome: what came of it."""

    number: int
    action: DunningAction
    at: datetime
    declines: tuple[Decline, ...] = tuple(Decline)
    channel: DunningChannel = DunningChannel.EMAIL
    template: DunningTemplate | None = None
    plan_code: str | None = None
    approval: bool = False
    approved: bool = False
    status: StepStatus = StepStatus.WAITING
    done_at: datetime | None = None
    outcome: str = ""


class DunningCase(Payload):
    """What is done about one invoice. decline: how the last attempt failed. suspended: whether that was told."""

    invoice_id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId | None
    due: Money
    status: DunningStatus
    decline: Decline
    timezone: str
    steps: tuple[DunningStep, ...]
    suspended: bool = False
    paused_reason: str | None = None
    resume_at: datetime | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    revision: int = 1

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be done."""
        return self.status in (DunningStatus.ACTIVE, DunningStatus.PAUSED)

    @property
    def next(self) -> DunningStep | None:
        """What is due first, of what fits the last failure."""
        waiting = [each for each in self.steps if each.status is StepStatus.WAITING]
        return min(waiting, key=lambda each: (each.at, each.number), default=None)


class Reminder(Payload):
    """What a customer is to be told, and where."""

    step: int
    template: DunningTemplate
    name: str
    email: str
    locale: str
    facts: dict[str, str]
    payment_id: PaymentId | None = None
