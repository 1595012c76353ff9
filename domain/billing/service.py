"""What billing can do, each in one transaction."""

from __future__ import annotations

from datetime import datetime

from domain.billing.commands import CancelSubscription, CreateSubscription
from domain.billing.errors import OnboardingCanceled
from domain.billing.events import SubscriptionCanceled, SubscriptionCreated
from domain.billing.ids import SubscriptionId
from domain.billing.model import Subscription, SubscriptionStatus
from domain.billing.periods import period_end
from domain.billing.ports import BillingUnitOfWork


async def create_subscription(
    uow: BillingUnitOfWork, cmd: CreateSubscription, *, new_id: SubscriptionId, now: datetime
) -> Subscription:
    """Subscribe the tenant to the plan, once per onboarding however often we are called.

    Raises PlanNotFound, or OnboardingCanceled if the onboarding was undone in the meantime.
    """
    await uow.subscriptions.hold(cmd.onboarding_id)
    existing = await uow.subscriptions.of_onboarding(cmd.onboarding_id)
    if existing is not None:
        if existing.status is SubscriptionStatus.CANCELED:
            raise OnboardingCanceled(onboarding_id=cmd.onboarding_id)
        return existing
    subscription = await _priced(uow, cmd.plan_code, cmd, new_id=new_id, now=now)
    await uow.subscriptions.add(subscription)
    uow.events.append(
        SubscriptionCreated(
            subscription_id=subscription.id,
            plan_code=subscription.plan_code,
            price=subscription.price,
            interval=subscription.interval.value,
            current_period_start=subscription.current_period_start,
            current_period_end=subscription.current_period_end,
            timezone=subscription.timezone,
            onboarding_id=cmd.onboarding_id,
            occurred_at=now,
        )
    )
    return subscription


async def cancel_subscription(uow: BillingUnitOfWork, cmd: CancelSubscription, *, now: datetime) -> Subscription | None:
    """End the onboarding's subscription at once; None if there was none to end.

    Callers stop the create step first and wait for it, so nothing can appear afterwards.
    """
    await uow.subscriptions.hold(cmd.onboarding_id)
    existing = await uow.subscriptions.of_onboarding(cmd.onboarding_id)
    if existing is None or existing.status is SubscriptionStatus.CANCELED:
        return existing
    canceled = existing.cancel(cmd.reason, at=now)
    await uow.subscriptions.put(canceled)
    uow.events.append(
        SubscriptionCanceled(subscription_id=canceled.id, reason=cmd.reason, canceled_at=now, occurred_at=now)
    )
    return canceled


async def _priced(
    uow: BillingUnitOfWork, plan_code: str, cmd: CreateSubscription, *, new_id: SubscriptionId, now: datetime
) -> Subscription:
    plan = await uow.plans.get(plan_code)
    return Subscription(
        id=new_id,
        tenant_id=cmd.tenant_id,
        onboarding_id=cmd.onboarding_id,
        plan_code=plan.code,
        status=SubscriptionStatus.ACTIVE,
        price=plan.price,
        interval=plan.interval,
        timezone=cmd.timezone,
        current_period_start=now,
        current_period_end=period_end(now, plan.interval, cmd.timezone),
        created_at=now,
    )
