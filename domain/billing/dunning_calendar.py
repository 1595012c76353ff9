"""When dunning does what: days after the first failure, at an hour of the customer's, on paydays if asked for."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.billing.dunning_model import (
    DunningAction,
    DunningPolicy,
    DunningStep,
    DunningStepTerms,
    DunningTemplate,
)
from domain.billing.events import Decline
from domain.kernel.money import Money

_PAYDAY_WITHIN = 10
_GRAVE = (DunningAction.SUSPEND, DunningAction.DOWNGRADE, DunningAction.CANCEL, DunningAction.WRITE_OFF)
_SOFT = (Decline.SOFT,)


def _step(action: DunningAction, after_days: int, **more: object) -> DunningStepTerms:
    return DunningStepTerms.model_validate({"action": action, "after_days": after_days, **more})


BUILT_IN = DunningPolicy(
    name="Three weeks",
    revision=0,
    steps=(
        _step(DunningAction.REMIND, 0, template=DunningTemplate.PAYMENT_FAILED, declines=(Decline.SOFT, Decline.HARD)),
        _step(
            DunningAction.REMIND, 0, template=DunningTemplate.AUTHENTICATE, declines=(Decline.AUTHENTICATION_REQUIRED,)
        ),
        _step(DunningAction.RETRY, 1, declines=_SOFT),
        _step(DunningAction.RETRY, 3, declines=_SOFT),
        _step(DunningAction.REMIND, 5, template=DunningTemplate.REMINDER),
        _step(DunningAction.RETRY, 5, declines=_SOFT, payday=True),
        _step(DunningAction.REMIND, 10, template=DunningTemplate.LAST_REMINDER),
        _step(DunningAction.RETRY, 14, declines=_SOFT),
        _step(DunningAction.SUSPEND, 14),
        _step(DunningAction.REMIND, 14, template=DunningTemplate.SUSPENDED),
        _step(DunningAction.RETRY, 20, declines=_SOFT),
        _step(DunningAction.CANCEL, 21),
        _step(DunningAction.REMIND, 21, template=DunningTemplate.CANCELED),
        _step(DunningAction.WRITE_OFF, 60),
    ),
)
"""What a tenant has that has not said otherwise."""


def planned(policy: DunningPolicy, due: Money, opened_at: datetime, timezone: str) -> tuple[DunningStep, ...]:
    """The policy's steps with their instants, in order; none is before the case was opened."""
    zone = ZoneInfo(timezone)
    opened_on = opened_at.astimezone(zone).date()
    above = policy.approval_above_minor
    found = []
    for terms in policy.steps:
        day = opened_on + timedelta(days=terms.after_days)
        if terms.payday:
            day = _payday(day, policy.paydays)
        at = datetime.combine(day, time(terms.hour), zone).astimezone(UTC)
        grave = terms.action in _GRAVE and above is not None and due.minor > above
        found.append(
            DunningStep(
                number=0,
                action=terms.action,
                # What is to be done on the day itself is done at once.
                at=opened_at if terms.after_days == 0 and not terms.payday else max(at, opened_at),
                declines=terms.declines,
                channel=terms.channel,
                template=terms.template,
                plan_code=terms.plan_code,
                approval=terms.approval or grave,
            )
        )
    found.sort(key=lambda step: step.at)
    return tuple(step.model_copy(update={"number": number}) for number, step in enumerate(found, 1))


def _payday(day: date, paydays: tuple[int, ...]) -> date:
    """The first payday from this day on, or the day itself if none comes soon."""
    for later in range(_PAYDAY_WITHIN + 1):
        found = day + timedelta(days=later)
        last = calendar.monthrange(found.year, found.month)[1]
        if found.day in {min(payday, last) for payday in paydays}:
            return found
    return day
