"""Drafts of invoices, made when a period of a subscription turns."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import InvoiceId
from domain.billing.invoice_events import InvoiceDrafted
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.invoicing import invoiced
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_model import Subscription
from domain.kernel.ids import TenantId


async def draft_invoice(
    uow: BillingUnitOfWork, tenant: TenantId, sub: Subscription, id_: InvoiceId, *, at: datetime, now: datetime
) -> Invoice | None:
    """An invoice for all lines of the subscription that wait for one.

    None if there are none, if they come to a credit (which waits for more), or if nobody sells yet.
    """
    lines = await uow.lines.uninvoiced(sub.id)
    customer = await uow.customers.get(sub.customer_id)
    seller = await uow.legal_entities.selling(customer.legal_entity)
    if not lines or seller is None:
        return None
    content = invoiced(lines, seller, customer)
    if content.total.minor < 0:
        return None
    invoice = Invoice(
        id=id_,
        customer_id=sub.customer_id,
        subscription_id=sub.id,
        status=InvoiceStatus.DRAFT,
        content=content,
        created_at=at,
        finalize_at=at + seller.grace,
    )
    await uow.invoices.put(invoice)
    await uow.lines.invoice(lines, id_)
    uow.events.append(
        InvoiceDrafted(
            tenant_id=tenant,
            invoice_id=id_,
            customer_id=sub.customer_id,
            subscription_id=sub.id,
            total=content.total,
            finalize_at=invoice.finalize_at,
            occurred_at=now,
        )
    )
    return invoice
