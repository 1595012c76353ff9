"""Refusals of billing."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class PlatformPlanNotFound(Invalid):
    """There is no plan with this code."""

    code = "billing.platform_plan_not_found"
    hint = "GET /v1/billing/platform-plans lists the plans."


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


class PlanNotFound(NotFound):
    """There is no plan or add-on with this code."""

    code = "billing.plan_not_found"
    hint = "GET /v1/billing/plans lists the plans and add-ons."


class PlanExists(Conflict):
    """There is a plan or add-on with this code already."""

    code = "billing.plan_exists"
    hint = "Publish a new version of it, or choose another code."


class PlanVersionTooEarly(Conflict):
    """A version takes effect now or later, and after the version before it."""

    code = "billing.plan_version_too_early"
    hint = "What is in force is not changed afterwards; choose a later effectiveFrom."


class PlanIntervalChanged(Invalid):
    """A version must be billed at the same interval as the ones before it."""

    code = "billing.plan_interval_changed"
    hint = "Make another plan, and change subscriptions to it."


class MeterNotFound(NotFound):
    """There is no meter with this code."""

    code = "billing.meter_not_found"
    hint = "GET /v1/billing/meters lists the meters."


class MeterUnknown(Invalid):
    """A charge names a meter that is not there, or one that cannot be priced so; see details."""

    code = "billing.meter_unknown"
    hint = "Add the meter first; a percentage needs one that sums up amounts."


class MeterExists(Conflict):
    """There is a meter with this code already."""

    code = "billing.meter_exists"
    hint = "A meter never changes; add another one."


class CustomerNotFound(NotFound):
    """There is no such customer."""

    code = "billing.customer_not_found"
    hint = "GET /v1/billing/customers lists the customers."


class CustomerExists(Conflict):
    """There is a customer with this external id already; details name it."""

    code = "billing.customer_exists"
    hint = "Change the customer that is there."
