"""What is announced of a subscription's steps, and told of where it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.billing.comparing import price_of_period
from domain.billing.events import (
    SubscriptionCanceled,
    SubscriptionChange,
    SubscriptionCreated,
    SubscriptionReactivated,
    SubscriptionTrialEnding,
    SubscriptionUpdated,
)
from domain.billing.lifecycle import next_step
from domain.billing.stepping import Outcome
from domain.billing.subscription_commands import SubscriptionProgress
from domain.billing.subscription_model import Subscription, Terms
from domain.bus.event import Event
from domain.kernel.ids import TenantId
from domain.kernel.money import Money


def created(tenant: TenantId, sub: Subscription, terms: Terms, *, now: datetime) -> Event:
    """There is a new one."""
    return SubscriptionCreated(
        tenant_id=tenant,
        subscription_id=sub.id,
        customer_id=sub.customer_id,
        plan_code=sub.plan.plan_code,
        plan_version=sub.plan.plan_version,
        price=price_of_period(sub.items, terms, sub.currency),
        interval=sub.interval,
        interval_count=sub.interval_count,
        quantity=sub.plan.quantity,
        current_period_start=sub.period_start,
        current_period_end=sub.period_end,
        timezone=sub.timezone,
        occurred_at=now,
    )


def told_of(
    tenant: TenantId, before: Subscription, outcome: Outcome, terms: Terms, *, charged: Money, now: datetime
) -> Event:
    """What a step has made of it."""
    after, at = outcome.subscription, outcome.at
    named: dict[str, Any] = {
        "tenant_id": tenant,
        "subscription_id": after.id,
        "customer_id": after.customer_id,
        "occurred_at": now,
    }
    price = price_of_period(after.items, terms, after.currency)
    runs: dict[str, Any] = {"current_period_start": after.period_start, "current_period_end": after.period_end}
    match outcome.change:
        case SubscriptionChange.CANCELED:
            return SubscriptionCanceled(**named, reason=after.cancel_reason or "", canceled_at=at)
        case SubscriptionChange.REACTIVATED:
            return SubscriptionReactivated(**named, **runs, plan_code=after.plan.plan_code, price=price)
        case SubscriptionChange.TRIAL_REMINDED:
            assert after.trial_end is not None
            return SubscriptionTrialEnding(
                **named, plan_code=after.plan.plan_code, price=price, trial_end=after.trial_end
            )
    return SubscriptionUpdated(
        **named,
        **runs,
        change=outcome.change,
        previous_plan_code=before.plan.plan_code,
        plan_code=after.plan.plan_code,
        plan_version=after.plan.plan_version,
        previous_price=price_of_period(before.items, terms, before.currency),
        price=price,
        interval=after.interval,
        interval_count=after.interval_count,
        quantity=after.plan.quantity,
        charged=charged,
        effective_at=after.period_end if outcome.change is SubscriptionChange.CHANGE_SCHEDULED else at,
    )


def standing(sub: Subscription) -> SubscriptionProgress:
    """Where it stands, and what happens next, when and why."""
    step = next_step(sub)
    return SubscriptionProgress(
        status=sub.status.value,
        next=step.name.value if step else "",
        next_at=step.at if step else None,
        why=step.why if step else "it waits for a payment method" if sub.awaits_method else "",
        plan_code=sub.plan.plan_code,
        period_start=sub.period_start,
        period_end=sub.period_end,
        over=sub.is_over,
    )
