"""The life of a subscription: each step takes it from one state to the next, and says what that costs.

Nothing here reads a clock or a database. Steps that are due happen at their own instant, however late somebody looks:
a worker that was down for a month bills that month as it would have.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.billing.comparing import classified
from domain.billing.events import SubscriptionChange
from domain.billing.ids import CustomerId, SubscriptionId
from domain.billing.plan_model import TrialEnd
from domain.billing.proration import Proration
from domain.billing.stepping import Outcome, Step, rhythm_of
from domain.billing.subscription_model import (
    Happening,
    HappeningName,
    Item,
    PendingChange,
    Subscription,
    SubscriptionStatus,
    Terms,
)
from domain.billing.usage import NOTHING, Metered

REMIND_BEFORE, SETTLE_AFTER = timedelta(days=3), timedelta(days=3)


def next_step(sub: Subscription) -> Happening | None:
    """What happens next by itself; None: nothing does."""
    steps = []
    match sub.status:
        case SubscriptionStatus.SCHEDULED:
            steps.append(Happening(name=HappeningName.BEGIN, at=sub.started_at, why="it was ordered to begin then"))
        case SubscriptionStatus.TRIALING:
            assert sub.trial_end is not None
            reminder = max(sub.trial_end - REMIND_BEFORE, sub.started_at)
            if not sub.trial_reminded:
                why = f"the trial ends at {sub.trial_end:%Y-%m-%d %H:%M} UTC"
                steps.append(Happening(name=HappeningName.REMIND_OF_TRIAL_END, at=reminder, why=why))
            steps.append(Happening(name=HappeningName.END_TRIAL, at=sub.trial_end, why="the trial ends; charges begin"))
        case SubscriptionStatus.ACTIVE:
            then = "; it changes as it was asked to" if sub.pending else ""
            steps.append(Happening(name=HappeningName.RENEW, at=sub.period_end, why=f"the period ends{then}"))
        case SubscriptionStatus.PAUSED if sub.resume_at is not None:
            steps.append(Happening(name=HappeningName.RESUME, at=sub.resume_at, why="it was paused until then"))
        case SubscriptionStatus.CANCELED if sub.settle_at is not None:
            steps.append(Happening(name=HappeningName.SETTLE, at=sub.settle_at, why="usage may have come late"))
    if sub.cancel_at is not None and sub.status is not SubscriptionStatus.CANCELED:
        steps.append(
            Happening(name=HappeningName.CANCEL, at=sub.cancel_at, why=f"it was canceled: {sub.cancel_reason}")
        )
    return min(steps, key=lambda step: (step.at, step.name is not HappeningName.CANCEL), default=None)


def take(sub: Subscription, step: Happening, terms: Terms, metered: Metered = NOTHING) -> Outcome:
    """Let it happen, at its own instant."""
    match step.name:
        case HappeningName.BEGIN:
            return begin(sub, terms)
        case HappeningName.REMIND_OF_TRIAL_END:
            return _remind(sub, at=step.at)
        case HappeningName.END_TRIAL:
            return _end_trial(sub, terms, at=step.at)
        case HappeningName.RENEW:
            return _renew(sub, terms, metered)
        case HappeningName.RESUME:
            return resume(sub, terms, at=step.at)
        case HappeningName.CANCEL:
            return cancel(sub, terms, sub.cancel_reason or "", metered, at=step.at)
        case HappeningName.SETTLE:
            return _settle(sub, terms, metered, at=step.at)


def begin(sub: Subscription, terms: Terms) -> Outcome:
    """It begins, with its trial if it has one."""
    step = Step(sub, terms, sub.started_at)
    if sub.trial_end is not None and sub.trial_end > sub.started_at:
        step.put(status=SubscriptionStatus.TRIALING, period_start=sub.started_at, period_end=sub.trial_end)
        return step.taken(SubscriptionChange.TRIAL_BEGAN)
    step.activate(once=True)
    return step.taken(SubscriptionChange.ACTIVATED)


def extend_trial(sub: Subscription, until: datetime, *, at: datetime) -> Outcome:
    """The trial ends then instead; who was reminded is reminded again."""
    step = Step(sub, {}, at)
    step.put(trial_end=until, period_end=until, trial_reminded=False)
    return step.taken(SubscriptionChange.TRIAL_EXTENDED)


def change(
    sub: Subscription,
    items: tuple[Item, ...],
    terms: Terms,
    metered: Metered = NOTHING,
    *,
    at: datetime,
    anchor: datetime | None = None,
) -> Outcome:
    """Other items from this instant on: what is left of the old is credited, what is left of the new is charged.

    Items that stay as they are are not touched. A plan with another interval begins a period of its own, and so does
    an anchor, from which periods are counted then: the first one is what is left until there.
    """
    kind, step = classified(sub, items, terms), Step(sub, terms, at, metered)
    if anchor is not None and [item.bare for item in items] == [item.bare for item in sub.items]:
        kind = SubscriptionChange.REALIGNED
    plan = terms[items[0].plan_code, items[0].plan_version]
    step.put(pending=None)
    if sub.status is not SubscriptionStatus.ACTIVE:
        step.put(items=items, **rhythm_of(plan))
    elif anchor is not None or (plan.interval, plan.interval_count) != (sub.interval, sub.interval_count):
        step.end_period()
        step.activate(items, once=False, anchor=anchor)
        step.charge_once({item.plan_code for item in sub.items})
    else:
        stay = [item for item in sub.items if any(item.same_as(other) for other in items)]
        leaving_ = [item for item in sub.items if item not in stay]
        step.leave(leaving_)
        step.end_usage([item for item in leaving_ if not any(item.meters_as(other) for other in items)])
        staying = {item.plan_code: item for item in stay}
        prorated = sub.proration is not Proration.NONE
        step.enter([staying.get(item.plan_code, item) for item in items], sub.items, advance=prorated)
        step.charge_once({item.plan_code for item in sub.items})
        step.put(proration=plan.proration)
    return step.taken(kind)


def change_later(sub: Subscription, items: tuple[Item, ...], *, at: datetime) -> Outcome:
    """Other items when the period ends; the last word counts."""
    step = Step(sub, {}, at)
    step.put(pending=PendingChange(items=items, asked_at=at))
    return step.taken(SubscriptionChange.CHANGE_SCHEDULED)


def withdraw_change(sub: Subscription, *, at: datetime) -> Outcome:
    """It stays as it is when the period ends."""
    step = Step(sub, {}, at)
    step.put(pending=None)
    return step.taken(SubscriptionChange.CHANGE_WITHDRAWN)


def pause(
    sub: Subscription, terms: Terms, until: datetime | None, metered: Metered = NOTHING, *, at: datetime
) -> Outcome:
    """Nothing is charged until it is resumed; what is left of the period is credited."""
    step = Step(sub, terms, at, metered)
    step.end_period()
    step.put(status=SubscriptionStatus.PAUSED, paused_at=at, resume_at=until)
    return step.taken(SubscriptionChange.PAUSED)


def end_trial_unpaid(sub: Subscription, terms: Terms, ending: TrialEnd, *, at: datetime) -> Outcome:
    """The trial ends, and nobody could be charged: as the plan says, it waits for a payment method, or is over."""
    if ending is TrialEnd.CANCEL:
        return cancel(sub, terms, "the trial ended without a payment method", at=at)
    step = Step(sub, terms, at)
    step.put(status=SubscriptionStatus.PAUSED, paused_at=at, resume_at=None, awaits_method=True)
    return step.taken(SubscriptionChange.PAUSED)


def resume(sub: Subscription, terms: Terms, *, at: datetime) -> Outcome:
    """It goes on in the period that runs by now, from here on; what waited since its trial begins."""
    if sub.awaits_method:
        step = Step(sub, terms, at)
        step.put(paused_at=None, awaits_method=False)
        step.activate(once=True)
        return step.taken(SubscriptionChange.RESUMED)
    step, paid = Step(sub, terms, at), at < sub.period_end and sub.proration is Proration.NONE
    items = sub.items
    if sub.pending is not None and at >= sub.period_end:
        items = sub.pending.items
        step.put(pending=None)
    step.put(status=SubscriptionStatus.ACTIVE, paused_at=None, resume_at=None)
    step.begin_period(items, advance=not paid)
    if paid:
        step.put(accrued=sub.accrued)
    step.charge_once({item.plan_code for item in sub.items})
    return step.taken(SubscriptionChange.RESUMED)


def cancel(sub: Subscription, terms: Terms, reason: str, metered: Metered = NOTHING, *, at: datetime) -> Outcome:
    """It ends at this instant; what is left of the period is credited."""
    step = Step(sub, terms, at, metered)
    if sub.status is SubscriptionStatus.ACTIVE:
        step.end_period()
    step.put(
        status=SubscriptionStatus.CANCELED,
        settle_at=at + SETTLE_AFTER if sub.metered else None,
        canceled_at=at,
        awaits_method=False,
        cancel_at=None,
        cancel_reason=reason,
        pending=None,
        paused_at=None,
        resume_at=None,
    )
    return step.taken(SubscriptionChange.CANCELED)


def cancel_later(sub: Subscription, when: datetime, reason: str, *, at: datetime) -> Outcome:
    """It ends then."""
    step = Step(sub, {}, at)
    step.put(cancel_at=when, cancel_reason=reason)
    return step.taken(SubscriptionChange.CANCELLATION_SCHEDULED)


def withdraw_cancellation(sub: Subscription, *, at: datetime) -> Outcome:
    """It does not end."""
    step = Step(sub, {}, at)
    step.put(cancel_at=None, cancel_reason=None)
    return step.taken(SubscriptionChange.CANCELLATION_WITHDRAWN)


def reactivate(sub: Subscription, terms: Terms, *, at: datetime) -> Outcome:
    """It had ended, and goes on with a new first period. What comes once does not come again."""
    step = Step(sub, terms, at)
    step.put(canceled_at=None, cancel_reason=None, trial_end=None, settle_at=None)
    step.activate(once=False)
    return step.taken(SubscriptionChange.REACTIVATED)


def handed_over(
    sub: Subscription, terms: Terms, *, to: CustomerId, timezone: str, named: SubscriptionId, at: datetime
) -> Outcome:
    """Another customer's from here on: in the same period, in its plan's version, at the same prices.

    What comes once was paid by who had it before.
    """
    step = Step(sub.model_copy(update={"revision": 0}), terms, at)
    step.put(id=named, customer_id=to, timezone=timezone, started_at=at, created_at=at, period_start=at)
    step.put(cancel_at=None, cancel_reason=None, windows=(), metered=False)
    if sub.status is SubscriptionStatus.ACTIVE:
        step.begin_period(sub.items, advance=True)
    return step.taken(SubscriptionChange.TRANSFERRED)


def look_again(sub: Subscription, terms: Terms, metered: Metered, *, at: datetime) -> Outcome:
    """Usage that came late for periods that have ended is charged now."""
    step = Step(sub, terms, at, metered)
    step.adjust()
    return step.taken(SubscriptionChange.SETTLED)


def _remind(sub: Subscription, *, at: datetime) -> Outcome:
    step = Step(sub, {}, at)
    step.put(trial_reminded=True)
    return step.taken(SubscriptionChange.TRIAL_REMINDED)


def _end_trial(sub: Subscription, terms: Terms, *, at: datetime) -> Outcome:
    step = Step(sub, terms, at)
    step.activate(once=True)
    return step.taken(SubscriptionChange.ACTIVATED)


def _settle(sub: Subscription, terms: Terms, metered: Metered, *, at: datetime) -> Outcome:
    step = Step(sub, terms, at, metered)
    step.adjust()
    step.put(settle_at=None)
    return step.taken(SubscriptionChange.SETTLED)._replace(turned=True)


def _renew(sub: Subscription, terms: Terms, metered: Metered) -> Outcome:
    step = Step(sub, terms, sub.period_end, metered)
    step.end_period()
    items = sub.pending.items if sub.pending else sub.items
    plan = terms[items[0].plan_code, items[0].plan_version]
    step.put(pending=None)
    if (plan.interval, plan.interval_count) != (sub.interval, sub.interval_count):
        step.activate(items, once=False)
    else:
        step.put(proration=plan.proration)
        step.begin_period(items, advance=True)
    step.charge_once({item.plan_code for item in sub.items})
    return step.taken(classified(sub, items, terms) if sub.pending else SubscriptionChange.RENEWED)
