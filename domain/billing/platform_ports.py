"""What the plans of the platform ask of the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.billing.ids import SubscriptionId
from domain.billing.platform_model import PlatformPlan, PlatformSubscription
from domain.bus.ports import EventLog
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page


class PlatformPlans(Protocol):
    """The catalogue of plans."""

    async def get(self, code: str) -> PlatformPlan:
        """Raises PlatformPlanNotFound."""
        ...

    async def all(self) -> Sequence[PlatformPlan]:
        """Every plan, cheapest first."""
        ...


class PlatformSubscriptions(Protocol):
    """The subscriptions, one or none active per tenant."""

    async def hold(self, onboarding_id: str) -> None:
        """Wait until no other transaction works on this onboarding's subscription."""
        ...

    async def of_onboarding(self, onboarding_id: str) -> PlatformSubscription | None:
        """The subscription that this onboarding made, if it did."""
        ...

    async def get(self, subscription_id: SubscriptionId) -> PlatformSubscription:
        """Raises SubscriptionNotFound."""
        ...

    async def add(self, subscription: PlatformSubscription) -> None:
        """Insert a new one."""
        ...

    async def put(self, subscription: PlatformSubscription) -> None:
        """Replace an existing one."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[PlatformSubscription]:
        """Newest first; tenant None lists every tenant's."""
        ...


class PlatformBillingUnitOfWork(Protocol):
    """One transaction of billing."""

    @property
    def plans(self) -> PlatformPlans: ...
    @property
    def subscriptions(self) -> PlatformSubscriptions: ...
    @property
    def events(self) -> EventLog: ...
