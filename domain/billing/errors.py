"""Refusals of billing."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class PlanNotFound(Invalid):
    """There is no plan with this code."""

    code = "billing.plan_not_found"
    hint = "GET /v1/billing/plans lists the plans."


class SubscriptionNotFound(NotFound):
    """There is no such subscription for this caller."""

    code = "billing.subscription_not_found"


class OnboardingCanceled(Conflict):
    """The onboarding this subscription was for has been called off."""

    code = "billing.onboarding_canceled"
    hint = "Start a new onboarding."


class UsageMissing(Invalid):
    """The charge model reckons with something that was not given; see details."""

    code = "billing.usage_missing"
    hint = "Give `transactions` for a percentage, and `quantity` for every other model."
