"""The plans of the platform itself, and the subscription that ties a tenant to one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.billing.ids import SubscriptionId
from domain.billing.periods import Interval
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class PlatformPlan(Payload):
    """What can be bought.

    fairness_weight: its share of the workers when they are busy; features: what it includes and not every plan does.
    """

    code: str
    name: str
    price: Money
    interval: Interval
    requests_per_hour: int
    fairness_weight: float
    features: tuple[str, ...] = ()


class PlatformSubscriptionStatus(StrEnum):
    """Where a subscription stands."""

    ACTIVE = "active"
    CANCELED = "canceled"


class PlatformSubscription(Payload):
    """One tenant on one plan; the price is the one agreed at the start. Periods are half-open, in UTC."""

    id: SubscriptionId
    tenant_id: TenantId
    onboarding_id: str | None
    plan_code: str
    status: PlatformSubscriptionStatus
    price: Money
    interval: Interval
    timezone: str
    current_period_start: datetime
    current_period_end: datetime
    created_at: datetime
    canceled_at: datetime | None = None
    cancel_reason: str | None = None

    def cancel(self, reason: str, *, at: datetime) -> PlatformSubscription:
        """This subscription, ended now."""
        return self.model_copy(
            update={"status": PlatformSubscriptionStatus.CANCELED, "canceled_at": at, "cancel_reason": reason}
        )
