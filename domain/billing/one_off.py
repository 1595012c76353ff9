"""What is charged once: on an invoice of its own, or on the next one of a subscription."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from domain.billing.customer_model import Customer
from domain.billing.ids import CustomerId, InvoiceId, LineId, SubscriptionId
from domain.billing.invoice_errors import LegalEntityUnknown
from domain.billing.invoice_model import Invoice
from domain.billing.invoice_steps import InvoiceSteps
from domain.billing.permissions import ADD_LINE, DRAFT_INVOICE
from domain.billing.plan_model import STANDARD, FixedPrice
from domain.billing.ports import BillingUnitOfWork
from domain.billing.prices import PerUnit
from domain.billing.product_errors import ItemUnknown, LineInvalid
from domain.billing.rating import Usage, rate
from domain.billing.reckoning import reckoned
from domain.billing.subscription_errors import SubscriptionStepNotPossible
from domain.billing.subscription_model import Line, LineKind, SubscriptionStatus
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.ports import Ids


class WantedLine(NamedTuple):
    """Something to charge: an item, or what has a name and a price of its own. start, end: the time that it is for."""

    item: str | None
    name: str | None
    unit_price: Decimal | None
    quantity: Decimal
    tax_category: str | None
    start: datetime | None
    end: datetime | None


class _Sold(NamedTuple):
    code: str
    name: str
    tax_category: str
    price: FixedPrice


class OneOffBooks:
    """One tenant's books in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def draft(self, customer_id: CustomerId, wanted: Sequence[WantedLine], *, final: bool) -> Invoice:
        """An invoice for these lines alone; final at once, or after the legal entity's time for drafts.

        Raises CustomerNotFound, ItemUnknown, LineInvalid, LegalEntityUnknown.
        """
        customer = await self._customer(customer_id)
        seller = await self.uow.legal_entities.selling(customer.legal_entity)
        if seller is None:
            raise LegalEntityUnknown(legal_entity=customer.legal_entity)
        final = final or not seller.grace
        invoice_id = self.ids(InvoiceId)
        lines = [
            await self._line(customer, each, f"{invoice_id}/{number:03}", None) for number, each in enumerate(wanted, 1)
        ]
        content = await reckoned(self.uow, lines, seller, customer, None, final=final)
        await self.uow.lines.add(lines)
        self._audit(DRAFT_INVOICE.name, invoice_id, {"customerId": customer_id, "total": str(content.total)})
        steps = InvoiceSteps(self.uow, self.tenant, self.ids, self.now)
        return await steps.write(invoice_id, content, lines, (customer, seller), at=self.now, final=final)

    async def add(self, subscription_id: SubscriptionId, wanted: Sequence[WantedLine]) -> list[Line]:
        """With the next invoice of this subscription.

        Raises SubscriptionNotFound, SubscriptionStepNotPossible, ItemUnknown, LineInvalid.
        """
        sub = await self.uow.subscriptions.hold(subscription_id)
        if sub.status is SubscriptionStatus.CANCELED:
            raise SubscriptionStepNotPossible(status=sub.status.value, reason="there is no next invoice")
        customer = await self._customer(sub.customer_id)
        lines = []
        for each in wanted:
            line = await self._line(customer, each, "", subscription_id)
            lines.append(line.model_copy(update={"key": f"once/{line.id}"}))
        await self.uow.lines.add(lines)
        details = {"lines": [f"{line.name}: {line.amount}" for line in lines]}
        self._audit(ADD_LINE.name, subscription_id, details)
        return lines

    async def _customer(self, customer_id: CustomerId) -> Customer:
        customer = await self.uow.customers.get(customer_id)
        self.now = await self.uow.clocks.now_of(customer_id, self.now)
        return customer

    async def _line(
        self, customer: Customer, wanted: WantedLine, key: str, subscription: SubscriptionId | None
    ) -> Line:
        sold = await self._sold(wanted, customer.currency)
        start, end = wanted.start or self.now, wanted.end or self.now
        if (wanted.start is None) is not (wanted.end is None) or start > end:
            raise LineInvalid(period_start=wanted.start, period_end=wanted.end)
        rated = rate(sold.price, Usage(wanted.quantity), customer.currency)
        return Line(
            id=self.ids(LineId),
            subscription_id=subscription,
            customer_id=customer.id,
            key=key,
            kind=LineKind.ONCE,
            plan_code=None,
            plan_version=None,
            charge_code=sold.code,
            name=sold.name,
            tax_category=sold.tax_category,
            period_start=start,
            period_end=end,
            quantity=rated.quantity,
            price=rated.amount,
            share="1",
            amount=rated.amount,
            steps=rated.steps,
            occurred_at=self.now,
        )

    async def _sold(self, wanted: WantedLine, currency: str) -> _Sold:
        if wanted.item is None:
            if wanted.name is None or wanted.unit_price is None:
                raise LineInvalid(name=wanted.name)
            price = PerUnit(unit_price=wanted.unit_price)
            return _Sold("one-off", wanted.name, wanted.tax_category or STANDARD, price)
        if wanted.unit_price is not None:
            raise LineInvalid(item=wanted.item)
        item = await self.uow.items.find(wanted.item)
        if item is None or currency not in item.prices:
            raise ItemUnknown(item=wanted.item, currency=currency, offered=sorted(item.prices) if item else [])
        category = wanted.tax_category or item.tax_category
        return _Sold(item.code, wanted.name or item.name, category, item.prices[currency])

    def _audit(self, action: str, resource: str, details: dict[str, Any]) -> None:
        self.uow.audit.record(AuditEntry(tenant_id=self.tenant, action=action, resource=resource, details=details))
