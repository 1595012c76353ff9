"""Usage: reported, voided, and counted for what a subscription is charged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from domain.billing.accrual import price_of
from domain.billing.customer_model import Customer
from domain.billing.metering_errors import UsageInvalid
from domain.billing.metering_model import Aggregation, Meter
from domain.billing.permissions import VOID_USAGE
from domain.billing.plan_model import UsageCharge
from domain.billing.ports import BillingUnitOfWork
from domain.billing.prices import Percentage, Price
from domain.billing.rating import RatedLine
from domain.billing.subscription_model import Counted, Subscription, SubscriptionStatus, Terms, Window
from domain.billing.usage import Metered, charge_of, metered_since, rated_usage
from domain.billing.usage_events import UsageRecorded
from domain.billing.usage_model import LATEST, MOST_AHEAD, Recorded, Span, UsageEvent
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload

_MOST, _FINEST, _NAMED = Decimal(10**12), 12, 20


class ChargedUsage(Payload):
    """What a usage charge comes to so far, for one group of its events. price: what it is charged by."""

    plan_code: str
    charge_code: str
    meter: str
    unit: str
    group: dict[str, str]
    since: datetime
    price: Price
    line: RatedLine


async def record_usage(
    uow: BillingUnitOfWork, tenant: TenantId, events: Sequence[UsageEvent], *, now: datetime
) -> Recorded:
    """Keep a batch, each event once, or nothing of it. Raises UsageInvalid, UsageConflict."""
    types, subjects = {event.type for event in events}, {event.subject for event in events}
    meters: dict[str, list[Meter]] = {}
    for meter in await uow.meters.of_types(types):
        meters.setdefault(meter.event_type, []).append(meter)
    latest = await uow.clocks.latest(subjects, now)
    wrong = [
        {"index": index, "id": event.id, "problem": problem}
        for index, event in enumerate(events)
        if (problem := _problem(event, meters.get(event.type, ()), now, latest))
    ]
    if wrong:
        raise UsageInvalid(count=len(wrong), events=wrong[:_NAMED])
    recorded = await uow.usage.record(events, now)
    if recorded and (watched := await uow.meters.watched(types)):
        names = sorted({event.subject for event in events if event.type in watched})
        uow.events.append(UsageRecorded(tenant_id=tenant, subjects=tuple(names), occurred_at=now))
    return Recorded(
        recorded=recorded,
        duplicates=len(events) - recorded,
        unknown_subjects=(await uow.usage.unknown_subjects(subjects))[:_NAMED],
        unmetered_types=sorted(types - set(meters))[:_NAMED],
    )


def subjects_of(customer: Customer) -> list[str]:
    """What usage may call a customer."""
    return [customer.id, *([customer.external_id] if customer.external_id else []), *customer.usage_subjects]


async def void_usage(
    uow: BillingUnitOfWork, tenant: TenantId, source: str, id_: str, reason: str, *, now: datetime
) -> None:
    """It counts no more; what was charged for it is credited when the running period ends. Raises UsageNotFound."""
    await uow.usage.void(source, id_, reason, now)
    details = {"source": source, "reason": reason}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=VOID_USAGE.name, resource=id_, details=details))


async def metered_at(
    uow: BillingUnitOfWork, sub: Subscription, terms: Terms, at: datetime, *, look_back: bool = True
) -> tuple[Metered, Terms]:
    """What meters say of a subscription's usage at this instant, and all terms that this takes.

    look_back: also of windows that are closed.
    """
    subjects = subjects_of(await uow.customers.get(sub.customer_id))
    closed = await uow.usage.to_look_at(sub.id, subjects, at - LATEST) if look_back else []
    windows = [*(sub.windows if look_back else ()), *(window for period in closed for window in period.windows)]
    missing = {(window.item.plan_code, window.item.plan_version) for window in windows} - set(terms)
    terms = {**terms, **(await uow.plans.terms(missing) if missing else {})}
    running = _running(sub, terms, at)
    charges = [charge_of(terms, window) for window in (*running, *windows)]
    meters = await uow.meters.named({charge.meter for charge in charges})

    async def counted(window: Window) -> list[Counted]:
        charge, span = charge_of(terms, window), Span(window.start, window.end)
        price = price_of(charge.prices[sub.currency], charge.code, window.item)
        one_by_one = isinstance(price, Percentage)
        meter = meters[charge.meter]
        return await uow.usage.count(meter, charge.filters, charge.group_by, subjects, span, one_by_one=one_by_one)

    found = {(window.item.plan_code, window.charge_code): await counted(window) for window in running}
    earlier = [await counted(window) for window in sub.windows] if look_back else []
    again = [(period, [await counted(window) for window in period.windows]) for period in closed]
    return Metered(running=found, earlier=earlier, closed=again), terms


async def current_usage(
    uow: BillingUnitOfWork, sub: Subscription, terms: Terms, *, now: datetime
) -> list[ChargedUsage]:
    """What the usage of the running period comes to by now."""
    if not sub.metered or sub.status is not SubscriptionStatus.ACTIVE:
        return []
    metered, terms = await metered_at(uow, sub, terms, now, look_back=False)
    charges = [(window, charge_of(terms, window)) for window in _running(sub, terms, now)]
    meters = await uow.meters.named({charge.meter for _, charge in charges})
    return [
        ChargedUsage(
            plan_code=window.item.plan_code,
            charge_code=charge.code,
            meter=charge.meter,
            unit=meters[charge.meter].unit,
            group=counted.group,
            since=window.start,
            price=price_of(charge.prices[sub.currency], charge.code, window.item),
            line=rated_usage(charge, window.item, counted, sub.currency),
        )
        for window, charge in charges
        for counted in metered.running[window.item.plan_code, charge.code]
    ]


def _running(sub: Subscription, terms: Terms, at: datetime) -> list[Window]:
    if sub.status is not SubscriptionStatus.ACTIVE:
        return []
    return [
        Window(item=item, charge_code=charge.code, start=metered_since(item, sub), end=at, counts=())
        for item in sub.items
        for charge in terms[item.plan_code, item.plan_version].of_kind(UsageCharge)
    ]


def _problem(event: UsageEvent, meters: Sequence[Meter], now: datetime, latest: datetime) -> str | None:
    if event.time is not None and not now - LATEST <= event.time <= latest + MOST_AHEAD:
        return f"time must lie within {LATEST.days} days before and {MOST_AHEAD.days} after now"
    for meter in meters:
        if meter.property is None:
            continue
        if meter.property not in event.data:
            return f"meter {meter.code} counts data.{meter.property}, which is not there"
        problem = _uncountable(meter, event.data)
        if problem:
            return f"meter {meter.code} counts data.{meter.property}, which {problem}"
    return None


def _uncountable(meter: Meter, data: Mapping[str, object]) -> str | None:
    assert meter.property is not None
    found = data[meter.property]
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return "is neither a number nor a text"
    if meter.aggregation is Aggregation.UNIQUE:
        return None
    try:
        number = Decimal(str(found))
    except InvalidOperation:
        return "is no number"
    if not number.is_finite() or abs(number) >= _MOST:
        return "is not below 10^12"
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return "has more than 12 decimal places" if -exponent > _FINEST else None
