"""Payment methods: what a provider keeps for a customer, and we collect by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.billing.dunning import DunningBooks
from domain.billing.events import Provider
from domain.billing.ids import CustomerId, PaymentMethodId
from domain.billing.payment_errors import PaymentMethodInUse
from domain.billing.payment_events import PaymentMethodAdded, PaymentMethodRemoved
from domain.billing.payment_model import AttachedMethod, SavedPaymentMethod
from domain.billing.permissions import ADD_PAYMENT_METHOD, CHANGE_PAYMENT_METHOD, REMOVE_PAYMENT_METHOD
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscriptions import Books
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids


class PaymentMethodBooks:
    """What every change of payment methods writes to: one tenant's books in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def add(
        self, customer: CustomerId, provider: Provider, attached: AttachedMethod, *, default: bool
    ) -> SavedPaymentMethod:
        """Collect by it; the first one is the default. The same token again is the method that is there."""
        self.now = await self.uow.clocks.now_of(customer, self.now)
        there = await self.uow.payments.methods_of(customer)
        known = next((each for each in there if (each.provider, each.token) == (provider, attached.token)), None)
        if known is not None:
            return known
        method = SavedPaymentMethod(
            id=self.ids(PaymentMethodId),
            customer_id=customer,
            provider=provider,
            token=attached.token,
            account_reference=attached.customer,
            method=attached.method,
            label=attached.label,
            expires=attached.expires,
            is_default=default or not there,
            created_at=self.now,
        )
        if method.is_default:
            await self.uow.payments.no_default(customer)
        await self.uow.payments.put_method(method)
        await self._added(method)
        self._audit(ADD_PAYMENT_METHOD, method.id, {"customerId": customer, "label": method.label})
        return method

    async def make_default(self, method_id: PaymentMethodId) -> SavedPaymentMethod:
        """Invoices are collected by it from now on. Raises PaymentMethodNotFound."""
        method = await self.uow.payments.method(method_id)
        if method.is_default:
            return method
        self.now = await self.uow.clocks.now_of(method.customer_id, self.now)
        await self.uow.payments.no_default(method.customer_id)
        chosen = method.model_copy(update={"is_default": True})
        await self.uow.payments.put_method(chosen)
        await self._added(chosen)
        self._audit(CHANGE_PAYMENT_METHOD, method.id, {"default": True})
        return chosen

    async def idle(self, method_id: PaymentMethodId) -> SavedPaymentMethod:
        """The method, by which no payment is under way. Raises PaymentMethodNotFound, PaymentMethodInUse."""
        method = await self.uow.payments.method(method_id)
        if await self.uow.payments.is_busy(method_id):
            raise PaymentMethodInUse
        return method

    async def remove(self, method_id: PaymentMethodId) -> SavedPaymentMethod:
        """Collect by it no more. Raises PaymentMethodNotFound, PaymentMethodInUse."""
        method = await self.idle(method_id)
        removed = method.model_copy(update={"removed_at": self.now, "is_default": False})
        await self.uow.payments.put_method(removed)
        self.uow.events.append(
            PaymentMethodRemoved(
                tenant_id=self.tenant,
                payment_method_id=method.id,
                customer_id=method.customer_id,
                occurred_at=self.now,
            )
        )
        self._audit(REMOVE_PAYMENT_METHOD, method.id, {"customerId": method.customer_id, "label": method.label})
        return removed

    async def _added(self, method: SavedPaymentMethod) -> None:
        if method.is_default:
            await DunningBooks(self.uow, self.tenant, self.ids, self.now).method_added(method.customer_id)
            await Books(self.uow, self.tenant, self.ids, self.now).method_added(method.customer_id)
        self.uow.events.append(
            PaymentMethodAdded(
                tenant_id=self.tenant,
                payment_method_id=method.id,
                customer_id=method.customer_id,
                provider=method.provider,
                is_default=method.is_default,
                occurred_at=self.now,
            )
        )

    def _audit(self, permission: Permission, resource: str, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=resource, details=details)
        )
