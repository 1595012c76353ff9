"""What a customer may do, by the subscriptions that run and the plans and add-ons in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from domain.billing.entitlement_model import (
    BooleanEntitlement,
    Entitled,
    Entitlement,
    EntitlementCheck,
    LimitEntitlement,
    MeteredEntitlement,
    Verdict,
)
from domain.billing.errors import CustomerNotFound
from domain.billing.ids import CustomerId
from domain.billing.metering import subjects_of
from domain.billing.plan_model import PlanTerms
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_model import Subscription, Terms
from domain.billing.usage_model import Span

_MOST_PLANS = 5


class _Granted(NamedTuple):
    """An entitlement of an item, and for how many seats."""

    entitlement: Entitlement
    plan_code: str
    seats: int


async def entitlements_of(uow: BillingUnitOfWork, customer_id: CustomerId, now: datetime) -> list[Entitled]:
    """Everything, by subscription and feature. Raises CustomerNotFound."""
    customer = await uow.customers.get(customer_id)
    now = await uow.clocks.now_of(customer_id, now)
    running = await uow.subscriptions.entitling(customer_id)
    terms = await uow.plans.terms({(item.plan_code, item.plan_version) for sub in running for item in sub.items})
    suspended = await uow.dunning.suspended(customer_id) if running else set()
    found = [
        _entitled(sub, granted, is_suspended=sub.id in suspended)
        for sub in running
        for granted in _by_feature(_granted(sub, terms))
    ]
    subjects = subjects_of(customer)
    return [await _counted(uow, each, running, terms, subjects, now) for each in found]


async def check(
    uow: BillingUnitOfWork, customer: str, feature: str, quantity: Decimal, now: datetime
) -> EntitlementCheck:
    """Whether a customer, by id or external id, may use so much more of the feature (of a limit: may have so many).

    Raises CustomerNotFound.
    """
    customer_id = await uow.customers.called(customer)
    if customer_id is None:
        raise CustomerNotFound
    found = [each for each in await entitlements_of(uow, customer_id, now) if each.feature == feature]
    verdicts = [_verdict(each, quantity) for each in found]
    allowed = [each for each in verdicts if each.allowed]
    if allowed:
        return min(allowed, key=lambda each: each.verdict is Verdict.OVERAGE)
    if verdicts:
        return verdicts[0]
    plans = await _plans_with(uow, feature, now)
    return EntitlementCheck(allowed=False, verdict=Verdict.NOT_INCLUDED, feature=feature, plans=plans)


async def features_of(uow: BillingUnitOfWork, customer: str, now: datetime) -> frozenset[str]:
    """What a customer, by id or external id, may use now: what is not suspended, and not used up by a hard limit.

    Nothing for a customer that is not there: whoever decides by this lets nobody in.
    """
    customer_id = await uow.customers.called(customer)
    if customer_id is None:
        return frozenset()
    found = await entitlements_of(uow, customer_id, now)
    return frozenset(each.feature for each in found if _verdict(each, Decimal(0)).allowed)


def _verdict(entitled: Entitled, quantity: Decimal) -> EntitlementCheck:
    told = EntitlementCheck(
        allowed=True,
        verdict=Verdict.GRANTED,
        feature=entitled.feature,
        limit=entitled.limit,
        used=entitled.used,
        remaining=entitled.left,
        resets_at=entitled.period_end if entitled.kind == "metered" else None,
    )
    if entitled.is_suspended:
        return told.model_copy(update={"allowed": False, "verdict": Verdict.SUSPENDED})
    if entitled.kind == "boolean" or entitled.limit is None:
        return told
    would_be = (entitled.used or Decimal(0)) + quantity
    exhausted = entitled.is_hard and quantity == 0 and would_be >= entitled.limit
    if would_be <= entitled.limit and not exhausted:
        return told
    if entitled.kind == "limit" or entitled.is_hard:
        return told.model_copy(update={"allowed": False, "verdict": Verdict.LIMIT_REACHED})
    return told.model_copy(update={"verdict": Verdict.OVERAGE})


def _granted(sub: Subscription, terms: Terms) -> Iterable[_Granted]:
    for item in sub.items:
        for each in terms[item.plan_code, item.plan_version].entitlements:
            yield _Granted(each, item.plan_code, sub.plan.quantity)


def _by_feature(granted: Iterable[_Granted]) -> list[list[_Granted]]:
    """What plan and add-ons say of the same feature, where it is of one kind."""
    found: dict[tuple[str, str], list[_Granted]] = {}
    for each in granted:
        found.setdefault((each.entitlement.feature, each.entitlement.kind), []).append(each)
    return list(found.values())


def _entitled(sub: Subscription, granted: Sequence[_Granted], *, is_suspended: bool) -> Entitled:
    first = granted[0].entitlement
    told = Entitled(
        feature=first.feature,
        kind=first.kind,
        subscription_id=sub.id,
        plan_code=granted[0].plan_code,
        is_suspended=is_suspended,
        period_start=sub.period_start,
        period_end=sub.period_end,
    )
    if isinstance(first, BooleanEntitlement):
        return told
    limit = sum((_limit(each) for each in granted), Decimal(0))
    if isinstance(first, LimitEntitlement):
        return told.model_copy(update={"limit": limit, "is_hard": True})
    metered = [each.entitlement for each in granted if isinstance(each.entitlement, MeteredEntitlement)]
    return told.model_copy(
        update={
            "limit": limit,
            "is_hard": all(each.is_hard for each in metered),
            "meter": first.meter,
            "thresholds": tuple(sorted({percent for each in metered for percent in each.thresholds})),
        }
    )


def _limit(granted: _Granted) -> Decimal:
    match granted.entitlement:
        case LimitEntitlement() as each:
            amount = each.limit
        case MeteredEntitlement() as each:
            amount = Decimal(each.included)
        case _:
            return Decimal(0)
    return amount * granted.seats if each.per_seat else amount


async def _counted(
    uow: BillingUnitOfWork,
    entitled: Entitled,
    running: Sequence[Subscription],
    terms: Terms,
    subjects: Sequence[str],
    now: datetime,
) -> Entitled:
    """With what was used of it in the period, as the first item that grants it counts."""
    if entitled.meter is None:
        return entitled
    sub = next(each for each in running if each.id == entitled.subscription_id)
    counts = next(
        each
        for item in sub.items
        for each in terms[item.plan_code, item.plan_version].entitlements
        if isinstance(each, MeteredEntitlement) and each.feature == entitled.feature
    )
    meter = (await uow.meters.named([counts.meter]))[counts.meter]
    span = Span(entitled.period_start, max(now, entitled.period_start))
    [counted] = await uow.usage.count(meter, counts.filters, (), subjects, span, one_by_one=False)
    return entitled.model_copy(update={"used": counted.quantity, "unit": meter.unit})


async def _plans_with(uow: BillingUnitOfWork, feature: str, now: datetime) -> tuple[str, ...]:
    """Codes of plans and add-ons for sale, a few."""
    page = await uow.plans.page(now, cursor=None, limit=200)
    return tuple(each.code for each in page.items if each.terms.for_sale and _has(each.terms, feature))[:_MOST_PLANS]


def _has(terms: PlanTerms, feature: str) -> bool:
    return any(each.feature == feature for each in terms.entitlements)
