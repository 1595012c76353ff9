"""What billing asks of the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.billing.ids import SubscriptionId
from domain.billing.model import Plan, Subscription
from domain.bus.ports import EventLog
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page


class Plans(Protocol):
    """The catalogue of plans."""

    async def get(self, code: str) -> Plan:
        """Raises PlanNotFound."""
        ...

    async def all(self) -> Sequence[Plan]:
        """Every plan, cheapest first."""
        ...


class Subscriptions(Protocol):
    """The subscriptions, one or none active per tenant."""

    async def hold(self, onboarding_id: str) -> None:
        """Wait until no other transaction works on this onboarding's subscription."""
        ...

    async def of_onboarding(self, onboarding_id: str) -> Subscription | None:
        """The subscription that this onboarding made, if it did."""
        ...

    async def get(self, subscription_id: SubscriptionId) -> Subscription:
        """Raises SubscriptionNotFound."""
        ...

    async def add(self, subscription: Subscription) -> None:
        """Insert a new one."""
        ...

    async def put(self, subscription: Subscription) -> None:
        """Replace an existing one."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Subscription]:
        """Newest first; tenant None lists every tenant's."""
        ...


class BillingUnitOfWork(Protocol):
    """One transaction of billing."""

    @property
    def plans(self) -> Plans: ...
    @property
    def subscriptions(self) -> Subscriptions: ...
    @property
    def events(self) -> EventLog: ...
