"""What a tenant sells, what it counts, who sells, and to whom: plans, meters, legal entities and customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.billing.catalogue_events import CustomerAdded, CustomerChanged, MeterAdded, PlanPublished
from domain.billing.clock_errors import ClockUnknown
from domain.billing.customer_model import Customer
from domain.billing.dunning_model import DunningPolicy
from domain.billing.entitlement_model import MeteredEntitlement
from domain.billing.errors import (
    CustomerExists,
    MeterExists,
    MeterUnknown,
    PlanExists,
    PlanIntervalChanged,
    PlanVersionTooEarly,
)
from domain.billing.ids import CustomerId
from domain.billing.invoice_errors import LegalEntityExists, LegalEntityUnknown, TaxIdInvalid
from domain.billing.legal_entity_model import LegalEntity, LegalEntityTerms
from domain.billing.metering_model import Aggregation, Meter
from domain.billing.permissions import (
    ADD_CUSTOMER,
    ADD_LEGAL_ENTITY,
    ADD_METER,
    CHANGE_CUSTOMER,
    CHANGE_DUNNING_POLICY,
    CHANGE_LEGAL_ENTITY,
    PUBLISH_PLAN,
)
from domain.billing.plan_model import PlanTerms, PlanVersion, UsageCharge
from domain.billing.ports import BillingUnitOfWork
from domain.billing.prices import Percentage
from domain.billing.products import known_products
from domain.billing.taxes import tax_id_is_valid
from domain.kernel.audit import AuditEntry
from domain.kernel.errors import PreconditionFailed
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission


async def publish_plan(uow: BillingUnitOfWork, tenant: TenantId, plan: PlanVersion) -> PlanVersion:
    """The first version of a plan or add-on. Raises PlanExists, PlanVersionTooEarly, MeterUnknown, ProductUnknown."""
    if plan.effective_from < plan.created_at:
        raise PlanVersionTooEarly(effective_from=plan.effective_from, now=plan.created_at)
    return await _publish(uow, tenant, plan)


async def publish_version(
    uow: BillingUnitOfWork, tenant: TenantId, code: str, terms: PlanTerms, *, effective_from: datetime, now: datetime
) -> PlanVersion:
    """The next version. Subscriptions that are there keep theirs until they are changed.

    Raises PlanNotFound, PlanVersionTooEarly, PlanIntervalChanged, MeterUnknown, ProductUnknown.
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
    """Somebody to sell to. Raises CustomerExists, TaxIdInvalid, LegalEntityUnknown, ClockUnknown."""
    await _billable(uow, customer)
    if customer.test_clock_id is not None and await uow.clocks.find(customer.test_clock_id) is None:
        raise ClockUnknown(test_clock_id=customer.test_clock_id)
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
    changes: dict[str, Any],
    *,
    revision: int,
    now: datetime,
) -> Customer:
    """Another name, address, time zone or tax id, if it is still the version that was read.

    The periods of subscriptions that are there keep the time zone they were begun in, and invoices what they say.
    Raises CustomerNotFound, PreconditionFailed, TaxIdInvalid, LegalEntityUnknown.
    """
    customer = await uow.customers.get(customer_id)
    changed = customer.model_copy(update={**changes, "revision": revision + 1, "updated_at": now})
    await _billable(uow, changed)
    if customer.revision != revision or not await uow.customers.put(changed):
        raise PreconditionFailed
    uow.events.append(
        CustomerChanged(customer_id=customer_id, name=changed.name, timezone=changed.timezone, occurred_at=now)
    )
    details = {"changed": sorted(changes)}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=CHANGE_CUSTOMER.name, resource=customer_id, details=details))
    return changed


async def change_dunning_policy(uow: BillingUnitOfWork, tenant: TenantId, policy: DunningPolicy) -> DunningPolicy:
    """For cases that begin from now on. Raises PreconditionFailed."""
    if not await uow.dunning.put_policy(policy):
        raise PreconditionFailed
    details = {"revision": policy.revision, "name": policy.name}
    action = CHANGE_DUNNING_POLICY.name
    uow.audit.record(AuditEntry(tenant_id=tenant, action=action, resource="dunning-policy", details=details))
    return policy


async def add_legal_entity(uow: BillingUnitOfWork, tenant: TenantId, entity: LegalEntity) -> LegalEntity:
    """Sell by it. Raises LegalEntityExists, TaxIdInvalid."""
    _taxable(entity.tax_id, entity.country)
    if not await uow.legal_entities.add(entity):
        raise LegalEntityExists(legal_entity=entity.code, number_prefix=entity.number_prefix)
    _audit_entity(uow, tenant, ADD_LEGAL_ENTITY, entity)
    return entity


async def change_legal_entity(
    uow: BillingUnitOfWork, tenant: TenantId, code: str, terms: LegalEntityTerms, *, revision: int, now: datetime
) -> LegalEntity:
    """Other terms, for invoices that become final from now on.

    Raises LegalEntityNotFound, PreconditionFailed, TaxIdInvalid.
    """
    entity = await uow.legal_entities.get(code)
    _taxable(terms.tax_id, terms.country)
    changed = LegalEntity(**dict(terms), code=code, revision=revision + 1, created_at=entity.created_at, updated_at=now)
    if entity.revision != revision or not await uow.legal_entities.put(changed):
        raise PreconditionFailed
    _audit_entity(uow, tenant, CHANGE_LEGAL_ENTITY, changed)
    return changed


def _audit_entity(uow: BillingUnitOfWork, tenant: TenantId, permission: Permission, entity: LegalEntity) -> None:
    details = {"numberPrefix": entity.number_prefix, "country": entity.country, "taxId": entity.tax_id}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=permission.name, resource=entity.code, details=details))


async def _billable(uow: BillingUnitOfWork, customer: Customer) -> None:
    _taxable(customer.tax_id, customer.country)
    if customer.legal_entity is not None and await uow.legal_entities.selling(customer.legal_entity) is None:
        raise LegalEntityUnknown(legal_entity=customer.legal_entity)


def _taxable(tax_id: str | None, country: str | None) -> None:
    if tax_id is not None and (country is None or not tax_id_is_valid(tax_id, country)):
        raise TaxIdInvalid(tax_id=tax_id, country=country)


async def _publish(uow: BillingUnitOfWork, tenant: TenantId, plan: PlanVersion) -> PlanVersion:
    await known_products(uow, [plan.terms.product])
    for charge in plan.terms.of_kind(UsageCharge):
        meter = await uow.meters.find(charge.meter)
        if meter is None:
            raise MeterUnknown(charge=charge.code, meter=charge.meter)
        summed = meter.aggregation is Aggregation.SUM
        if not summed and any(isinstance(price, Percentage) for price in charge.prices.values()):
            raise MeterUnknown(charge=charge.code, meter=charge.meter, aggregation=meter.aggregation.value)
    metered = [each for each in plan.terms.entitlements if isinstance(each, MeteredEntitlement)]
    for each in metered:
        if await uow.meters.find(each.meter) is None:
            raise MeterUnknown(feature=each.feature, meter=each.meter)
    await uow.meters.watch({each.meter for each in metered if each.thresholds})
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
