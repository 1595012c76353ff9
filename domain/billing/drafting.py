"""Drafts of invoices: for what waits when a period of a subscription turns, or for lines by themselves."""

from __future__ import annotations

from datetime import datetime

from domain.billing.crediting import CreditNotes
from domain.billing.customer_model import Customer
from domain.billing.ids import InvoiceId, SubscriptionId
from domain.billing.invoice_events import InvoiceDrafted
from domain.billing.invoice_model import Invoice, InvoiceContent, InvoiceStatus
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.ports import BillingUnitOfWork
from domain.billing.reckoning import reckoned
from domain.billing.subscription_model import Subscription
from domain.kernel.ids import TenantId
from domain.kernel.ports import Ids


async def draft_invoice(
    uow: BillingUnitOfWork, tenant: TenantId, sub: Subscription, ids: Ids, *, at: datetime, now: datetime
) -> Invoice | None:
    """An invoice for all lines of the subscription that wait for one.

    None if there are none, if they come to a credit, or if nobody sells yet. A credit waits for more; if the
    subscription is over, it is given back by a credit note.
    """
    lines = await uow.lines.uninvoiced(sub.id)
    customer = await uow.customers.get(sub.customer_id)
    seller = await uow.legal_entities.selling(customer.legal_entity)
    if not lines or seller is None:
        return None
    content = await reckoned(uow, lines, seller, customer, sub.id)
    if content.total.minor < 0:
        if sub.is_over:
            await CreditNotes(uow, tenant, ids, now).of_ended(sub, content, lines)
        return None
    id_ = ids(InvoiceId)
    invoice = await drafted(uow, tenant, content, (customer, seller), id_, subscription=sub.id, at=at, now=now)
    await uow.lines.invoice(lines, id_)
    return invoice


async def drafted(  # noqa: PLR0913 - a draft is for all of these
    uow: BillingUnitOfWork,
    tenant: TenantId,
    content: InvoiceContent,
    parties: tuple[Customer, LegalEntity],
    id_: InvoiceId,
    *,
    subscription: SubscriptionId | None,
    at: datetime,
    now: datetime,
) -> Invoice:
    """A draft that says this, between these parties. at: since when it is one."""
    customer, seller = parties
    invoice = Invoice(
        id=id_,
        customer_id=customer.id,
        subscription_id=subscription,
        status=InvoiceStatus.DRAFT,
        content=content,
        due=content.total,
        created_at=at,
        finalize_at=at + seller.grace,
    )
    await uow.invoices.put(invoice)
    uow.events.append(
        InvoiceDrafted(
            tenant_id=tenant,
            invoice_id=id_,
            customer_id=customer.id,
            subscription_id=subscription,
            total=content.total,
            finalize_at=invoice.finalize_at,
            occurred_at=now,
        )
    )
    return invoice
