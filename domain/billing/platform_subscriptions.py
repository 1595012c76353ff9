"""The subscription of a tenant to the platform, as onboardings make and undo it, each in one transaction."""

from __future__ import annotations

from datetime import datetime

from domain.billing.commands import CancelSubscription, CreateSubscription
from domain.billing.errors import OnboardingCanceled
from domain.billing.events import SubscriptionCanceled, SubscriptionCreated
from domain.billing.ids import SubscriptionId
from domain.billing.periods import period_end
from domain.billing.platform_model import PlatformSubscription, PlatformSubscriptionStatus
from domain.billing.platform_ports import PlatformBillingUnitOfWork


async def create_subscription(
    uow: PlatformBillingUnitOfWork, cmd: CreateSubscription, *, new_id: SubscriptionId, now: datetime
) -> PlatformSubscription:
    """Subscribe the tenant to the plan, once per onboarding however often we are called.

    Raises PlatformPlanNotFound, or OnboardingCanceled if the onboarding was undone in the meantime.
    """
    await uow.subscriptions.hold(cmd.onboarding_id)
    existing = await uow.subscriptions.of_onboarding(cmd.onboarding_id)
    if existing is not None:
        if existing.status is PlatformSubscriptionStatus.CANCELED:
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


async def cancel_subscription(
    uow: PlatformBillingUnitOfWork, cmd: CancelSubscription, *, now: datetime
) -> PlatformSubscription | None:
    """End the onboarding's subscription at once; None if there was none to end.

    Callers stop the create step first and wait for it, so nothing can appear afterwards.
    """
    await uow.subscriptions.hold(cmd.onboarding_id)
    existing = await uow.subscriptions.of_onboarding(cmd.onboarding_id)
    if existing is None or existing.status is PlatformSubscriptionStatus.CANCELED:
        return existing
    canceled = existing.cancel(cmd.reason, at=now)
    await uow.subscriptions.put(canceled)
    uow.events.append(
        SubscriptionCanceled(subscription_id=canceled.id, reason=cmd.reason, canceled_at=now, occurred_at=now)
    )
    return canceled


async def _priced(
    uow: PlatformBillingUnitOfWork, plan_code: str, cmd: CreateSubscription, *, new_id: SubscriptionId, now: datetime
) -> PlatformSubscription:
    plan = await uow.plans.get(plan_code)
    return PlatformSubscription(
        id=new_id,
        tenant_id=cmd.tenant_id,
        onboarding_id=cmd.onboarding_id,
        plan_code=plan.code,
        status=PlatformSubscriptionStatus.ACTIVE,
        price=plan.price,
        interval=plan.interval,
        timezone=cmd.timezone,
        current_period_start=now,
        current_period_end=period_end(now, plan.interval, cmd.timezone),
        created_at=now,
    )
