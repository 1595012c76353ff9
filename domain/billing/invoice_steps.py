"""What the steps of an invoice write: itself, its entries in the ledger, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.billing.coupons import CouponBooks
from domain.billing.credits import CreditBooks
from domain.billing.customer_model import Customer
from domain.billing.dunning_cases import DunningCases
from domain.billing.dunning_model import DunningStatus
from domain.billing.events import InvoicePaid, PaymentMethod
from domain.billing.ids import InvoiceId, PaymentId, SubscriptionId
from domain.billing.invoice_events import InvoiceDrafted, InvoiceFinalized
from domain.billing.invoice_model import Invoice, InvoiceContent, InvoiceStatus
from domain.billing.invoicing import ordered
from domain.billing.ledger import Charged, Journal
from domain.billing.ledger_model import Account, JournalEntry
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.payments import PaymentBooks
from domain.billing.permissions import FINALIZE_INVOICE
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_model import Line, LineKind
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids


class InvoiceSteps:
    """One tenant's books in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def write(
        self,
        id_: InvoiceId,
        content: InvoiceContent,
        lines: Sequence[Line],
        parties: tuple[Customer, LegalEntity],
        *,
        at: datetime,
        final: bool,
    ) -> Invoice:
        """A new invoice that says this of these lines, between these parties: a draft since then, or final at once."""
        customer, seller = parties
        invoice = Invoice(
            id=id_,
            customer_id=customer.id,
            subscription_id=_subscription(lines),
            status=InvoiceStatus.DRAFT,
            content=content,
            due=content.total,
            created_at=at,
            finalize_at=at + seller.grace,
        )
        if final:
            invoice = await self.make_final(invoice, lines, parties, draft_until=None)
        else:
            await self.uow.invoices.put(invoice)
            self.uow.events.append(
                InvoiceDrafted(
                    **self.named(invoice),
                    subscription_id=invoice.subscription_id,
                    test_clock_id=customer.test_clock_id,
                    total=content.total,
                    finalize_at=invoice.finalize_at,
                )
            )
        await self.uow.lines.invoice(lines, id_)
        return invoice

    async def make_final(
        self,
        invoice: Invoice,
        lines: Sequence[Line],
        parties: tuple[Customer, LegalEntity],
        *,
        draft_until: datetime | None,
    ) -> Invoice:
        """Give it its number, book what it says of these lines, and pay it with what the customer has.

        What it says was reckoned in this transaction, as final. draft_until: None if it never was a draft.
        """
        customer, seller = parties
        content = invoice.content
        await self.uow.lines.discount(lines, content.lines)
        await CouponBooks(self.uow, self.tenant, self.ids, self.now).used(content)
        year = self.now.astimezone(ZoneInfo(seller.timezone)).year
        number = await self.uow.invoices.number(seller.number_prefix, year)
        final = await self.put(
            invoice,
            status=InvoiceStatus.OPEN,
            number=f"{seller.number_prefix}-{year}-{number:06}",
            due=content.total,
            finalized_at=self.now,
            due_at=self.now + timedelta(days=seller.payment_terms_days),
        )
        assert final.number is not None
        assert final.due_at is not None
        self.uow.events.append(
            InvoiceFinalized(
                **self.named(final),
                subscription_id=final.subscription_id,
                test_clock_id=customer.test_clock_id,
                draft_until=draft_until,
                number=final.number,
                total=content.total,
                tax=content.tax_amount,
                due_at=final.due_at,
            )
        )
        charged = [
            Charged(line.id, told.taxed.net, line.period_start, line.period_end, line.kind is LineKind.PREPAID)
            for line, told in zip(ordered(lines), content.lines, strict=True)
        ]
        await self.book(final, lambda journal: journal.finalized(charged, content.tax_amount), seller)
        self.audit(FINALIZE_INVOICE, final, {"number": final.number, "total": str(content.total)})
        applied = await CreditBooks(self.uow, self.tenant, self.ids, self.now).apply(final)
        if applied:
            final = await self.put(final, due=final.due - applied)
        if not final.due:
            return await self.pay(final, PaymentMethod.CREDIT_BALANCE, Account.BANK)
        if await self.uow.payments.default_method(final.customer_id) is not None:
            await PaymentBooks(self.uow, self.tenant, self.ids, self.now).request(final)
        return final

    async def pay(
        self,
        invoice: Invoice,
        method: PaymentMethod,
        into: Account,
        *,
        payment: PaymentId | None = None,
        attempt: int = 1,
    ) -> Invoice:
        """What is due of it has come."""
        paid = await self.put(invoice, status=InvoiceStatus.PAID, closed_at=self.now, paid_by=method)
        await DunningCases(self.uow, self.tenant, self.now).close(invoice.id, DunningStatus.RECOVERED)
        await CreditBooks(self.uow, self.tenant, self.ids, self.now).paid_for(invoice)
        recovered = invoice.status is InvoiceStatus.UNCOLLECTIBLE
        await self.book(paid, lambda journal: journal.paid(invoice.due, into, payment=payment, recovered=recovered))
        assert paid.number is not None
        self.uow.events.append(
            InvoicePaid(
                **self.named(invoice),
                number=paid.number,
                subscription_id=invoice.subscription_id,
                paid=invoice.content.total,
                tax=invoice.content.tax_amount,
                payment_id=payment,
                method=method,
                attempt=attempt,
            )
        )
        return paid

    async def book(
        self, invoice: Invoice, entries: Callable[[Journal], list[JournalEntry]], seller: LegalEntity | None = None
    ) -> None:
        """In the books of who sells, which is looked up unless it is at hand."""
        seller = seller or await self.uow.legal_entities.get(invoice.content.legal_entity)
        journal = Journal(
            self.ids,
            self.now,
            legal_entity=seller.code,
            timezone=seller.timezone,
            customer=invoice.customer_id,
            invoice=invoice.id,
        )
        await self.uow.ledger.add(entries(journal))

    async def put(self, invoice: Invoice, **changes: object) -> Invoice:
        """Its next revision."""
        changed = invoice.model_copy(update={**changes, "revision": invoice.revision + 1})
        await self.uow.invoices.put(changed)
        return changed

    def named(self, invoice: Invoice) -> dict[str, Any]:
        """What every event of it says."""
        return {
            "tenant_id": self.tenant,
            "invoice_id": invoice.id,
            "customer_id": invoice.customer_id,
            "occurred_at": self.now,
        }

    def audit(self, permission: Permission, invoice: Invoice, details: dict[str, Any]) -> None:
        """Somebody has done it."""
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=invoice.id, details=details)
        )


def _subscription(lines: Sequence[Line]) -> SubscriptionId | None:
    """All lines of an invoice are one subscription's, or none's."""
    return lines[0].subscription_id
