"""Shares of what is included that customers' usage has reached: each is told once in a period."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from domain.billing.entitlement_model import Entitled
from domain.billing.entitlements import entitlements_of
from domain.billing.events import UsageThreshold
from domain.billing.ids import CustomerId
from domain.billing.ports import BillingUnitOfWork


async def crossed(uow: BillingUnitOfWork, subjects: Collection[str], now: datetime) -> list[UsageThreshold]:
    """What is to be told of the customers that usage names so, and is written down as told."""
    return [
        _fact(customer, entitled, percent, now)
        for customer in await uow.customers.named(subjects)
        for entitled in await entitlements_of(uow, customer, now)
        for percent in _reached(entitled)
        if await uow.usage.first_crossed(entitled, percent, now)
    ]


def _reached(entitled: Entitled) -> list[int]:
    if entitled.limit is None or entitled.used is None:
        return []
    return [percent for percent in entitled.thresholds if entitled.used * 100 >= entitled.limit * percent]


def _fact(customer: CustomerId, entitled: Entitled, percent: int, now: datetime) -> UsageThreshold:
    return UsageThreshold(
        subscription_id=entitled.subscription_id,
        customer_id=customer,
        feature=entitled.feature,
        meter=entitled.meter or "",
        unit=entitled.unit or "",
        used=int(entitled.used or 0),
        included=int(entitled.limit or 1),
        threshold_percent=percent,
        is_hard_limit=entitled.is_hard,
        period_start=entitled.period_start,
        period_end=entitled.period_end,
        occurred_at=now,
    )
