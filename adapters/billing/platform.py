"""The platform's own plans and the tenants on them, in PostgreSQL, in the platform's schema."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from adapters.postgres.database import Database
from adapters.postgres.rows import hold, newest_first
from adapters.postgres.session import Session
from domain.billing.errors import PlatformPlanNotFound, SubscriptionNotFound
from domain.billing.ids import SubscriptionId
from domain.billing.platform_model import PlatformPlan, PlatformSubscription
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.pagination import Page

_COLUMNS = (
    "id, tenant_id, onboarding_id, plan_code, status, price_minor, currency, interval, timezone, "
    "current_period_start, current_period_end, created_at, canceled_at, cancel_reason"
)


class PostgresPlatformPlans:
    """The plans."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, code: str) -> PlatformPlan:
        """Raises PlatformPlanNotFound."""
        row = await self._session.sql.fetchrow("SELECT * FROM billing_platform_plan WHERE code = $1", code)
        if row is None:
            raise PlatformPlanNotFound(plan_code=code)
        return _plan(row)

    async def all(self) -> Sequence[PlatformPlan]:
        """Every plan, cheapest first."""
        return [
            _plan(row)
            for row in await self._session.sql.fetch("SELECT * FROM billing_platform_plan ORDER BY price_minor")
        ]


class PostgresPlatformSubscriptions:
    """The subscriptions."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(self, onboarding_id: str) -> None:
        """Wait for others who work on this onboarding's subscription."""
        await hold(self._session, f"billing_platform_subscription/{onboarding_id}")

    async def of_onboarding(self, onboarding_id: str) -> PlatformSubscription | None:
        """The subscription of this onboarding."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM billing_platform_subscription WHERE onboarding_id = $1", onboarding_id
        )
        return _subscription(row) if row else None

    async def get(self, subscription_id: SubscriptionId) -> PlatformSubscription:
        """Raises SubscriptionNotFound."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM billing_platform_subscription WHERE id = $1", subscription_id
        )
        if row is None:
            raise SubscriptionNotFound
        return _subscription(row)

    async def add(self, subscription: PlatformSubscription) -> None:
        """Insert."""
        await self._session.sql.execute(
            f"INSERT INTO billing_platform_subscription ({_COLUMNS}) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            *_values(subscription),
        )

    async def put(self, subscription: PlatformSubscription) -> None:
        """Replace."""
        await self._session.sql.execute(
            f"UPDATE billing_platform_subscription SET ({_COLUMNS}) "
            "= ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) WHERE id = $1",
            *_values(subscription),
        )

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[PlatformSubscription]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_platform_subscription",
            _subscription,
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )


class KnownPlans:
    """The plans as of a minute ago at most, so that a wrong one is refused at the door."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plans: dict[str, PlatformPlan] = {}
        self._read_at = float("-inf")

    async def known(self, code: str) -> None:
        """Raises PlatformPlanNotFound."""
        if code not in self._plans or time.monotonic() - self._read_at > 60:
            await self._read()
        if code not in self._plans:
            raise PlatformPlanNotFound(plan_code=code, known=sorted(self._plans))

    async def including(self, feature: str) -> list[str]:
        """The codes of the plans that include a feature, cheapest first."""
        if time.monotonic() - self._read_at > 60:
            await self._read()
        return [plan.code for plan in self._plans.values() if feature in plan.features]

    async def _read(self) -> None:
        plans = await self._database.run(None, lambda session: PostgresPlatformPlans(session).all())
        self._plans = {plan.code: plan for plan in plans}
        self._read_at = time.monotonic()


class PostgresPlatformBillingUnitOfWork:
    """One transaction of billing."""

    def __init__(self, session: Session) -> None:
        self.plans = PostgresPlatformPlans(session)
        self.subscriptions = PostgresPlatformSubscriptions(session)
        self.events = session


def _plan(row: Any) -> PlatformPlan:
    fields = dict(row)
    price = Money(minor=fields.pop("price_minor"), currency=fields.pop("currency"))
    return PlatformPlan(price=price, **fields)


def _subscription(row: Any) -> PlatformSubscription:
    fields = dict(row)
    price = Money(minor=fields.pop("price_minor"), currency=fields.pop("currency"))
    return PlatformSubscription(price=price, **fields)


def _values(subscription: PlatformSubscription) -> tuple[object, ...]:
    return (
        subscription.id,
        subscription.tenant_id,
        subscription.onboarding_id,
        subscription.plan_code,
        subscription.status,
        subscription.price.minor,
        subscription.price.currency,
        subscription.interval,
        subscription.timezone,
        subscription.current_period_start,
        subscription.current_period_end,
        subscription.created_at,
        subscription.canceled_at,
        subscription.cancel_reason,
    )
