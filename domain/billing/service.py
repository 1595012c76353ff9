"""What a tenant sells, what it counts, and to whom: plans in versions, meters and customers."""

from __future__ import annotations

from datetime import datetime

from domain.billing.catalogue_events import CustomerAdded, CustomerChanged, MeterAdded, PlanPublished
from domain.billing.customer_model import Customer
from domain.billing.errors import (
    CustomerExists,
    MeterExists,
    MeterUnknown,
    PlanExists,
    PlanIntervalChanged,
    PlanVersionTooEarly,
)
from domain.billing.ids import CustomerId
from domain.billing.metering_model import Aggregation, Meter
from domain.billing.permissions import ADD_CUSTOMER, ADD_METER, CHANGE_CUSTOMER, PUBLISH_PLAN
from domain.billing.plan_model import PlanTerms, PlanVersion, UsageCharge
from domain.billing.ports import BillingUnitOfWork
from domain.billing.prices import Percentage
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId


async def publish_plan(uow: BillingUnitOfWork, tenant: TenantId, plan: PlanVersion) -> PlanVersion:
    """The first version of a plan or add-on. Raises PlanExists, PlanVersionTooEarly, MeterUnknown."""
    if plan.effective_from < plan.created_at:
        raise PlanVersionTooEarly(effective_from=plan.effective_from, now=plan.created_at)
    return await _publish(uow, tenant, plan)


async def publish_version(
    uow: BillingUnitOfWork, tenant: TenantId, code: str, terms: PlanTerms, *, effective_from: datetime, now: datetime
) -> PlanVersion:
    """The next version. Subscriptions that are there keep theirs until they are changed.

    Raises PlanNotFound, PlanVersionTooEarly, PlanIntervalChanged, MeterUnknown.
    """
    last = await uow.plans.newest(code)
    if effective_from < now or effective_from <= last.effective_from:
        raise PlanVersionTooEarly(effective_from=effective_from, now=now, last_effective_from=last.effective_from)
    if (terms.interval, terms.interval_count) != (last.terms.interval, last.terms.interval_count):
        raise PlanIntervalChanged(interval=last.terms.interval, interval_count=last.terms.interval_count)
    plan = PlanVersion(
        code=code,
        version=last.version + 1,
        is_add_on=last.is_add_on,
        effective_from=effective_from,
        terms=terms,
        created_at=now,
    )
    return await _publish(uow, tenant, plan)


async def add_meter(uow: BillingUnitOfWork, tenant: TenantId, meter: Meter) -> Meter:
    """Count usage by it from now on. Raises MeterExists."""
    if not await uow.meters.add(meter):
        raise MeterExists(meter_code=meter.code)
    uow.events.append(
        MeterAdded(
            meter_code=meter.code,
            event_type=meter.event_type,
            aggregation=meter.aggregation.value,
            occurred_at=meter.created_at,
        )
    )
    details = meter.model_dump(mode="json", exclude={"code", "created_at"})
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ADD_METER.name, resource=meter.code, details=details))
    return meter


async def add_customer(uow: BillingUnitOfWork, tenant: TenantId, customer: Customer) -> Customer:
    """Somebody to sell to. Raises CustomerExists."""
    if there := await uow.customers.add(customer):
        raise CustomerExists(customer_id=there)
    uow.events.append(
        CustomerAdded(
            customer_id=customer.id,
            external_id=customer.external_id,
            name=customer.name,
            currency=customer.currency,
            timezone=customer.timezone,
            occurred_at=customer.created_at,
        )
    )
    details = {"currency": customer.currency, "timezone": customer.timezone}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ADD_CUSTOMER.name, resource=customer.id, details=details))
    return customer


async def change_customer(
    uow: BillingUnitOfWork,
    tenant: TenantId,
    customer_id: CustomerId,
    changes: dict[str, str],
    *,
    revision: int,
    now: datetime,
) -> Customer:
    """Another name, address or time zone, if it is still the version that was read.

    The periods of subscriptions that are there keep the time zone they were begun in.
    Raises CustomerNotFound, PreconditionFailed.
    """
    customer = await uow.customers.get(customer_id)
    changed = customer.model_copy(update={**changes, "revision": revision + 1, "updated_at": now})
    if customer.revision != revision or not await uow.customers.put(changed):
        raise PreconditionFailed
    uow.events.append(
        CustomerChanged(customer_id=customer_id, name=changed.name, timezone=changed.timezone, occurred_at=now)
    )
    details = {"changed": sorted(changes)}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=CHANGE_CUSTOMER.name, resource=customer_id, details=details))
    return changed


async def _publish(uow: BillingUnitOfWork, tenant: TenantId, plan: PlanVersion) -> PlanVersion:
    for charge in plan.terms.of_kind(UsageCharge):
        meter = await uow.meters.find(charge.meter)
        if meter is None:
            raise MeterUnknown(charge=charge.code, meter=charge.meter)
        summed = meter.aggregation is Aggregation.SUM
        if not summed and any(isinstance(price, Percentage) for price in charge.prices.values()):
            raise MeterUnknown(charge=charge.code, meter=charge.meter, aggregation=meter.aggregation.value)
    if not await uow.plans.add(plan):
        raise PlanExists(plan_code=plan.code)
    uow.events.append(
        PlanPublished(
            plan_code=plan.code,
            plan_version=plan.version,
            is_add_on=plan.is_add_on,
            effective_from=plan.effective_from,
            occurred_at=plan.created_at,
        )
    )
    details = {"version": plan.version, "effectiveFrom": plan.effective_from.isoformat()}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=PUBLISH_PLAN.name, resource=plan.code, details=details))
    return plan
