"""Invoices for what waits when a period of a subscription turns."""

from __future__ import annotations

from datetime import datetime

from domain.billing.crediting import CreditNotes
from domain.billing.ids import InvoiceId
from domain.billing.invoice_model import Invoice
from domain.billing.invoice_steps import InvoiceSteps
from domain.billing.ports import BillingUnitOfWork
from domain.billing.reckoning import reckoned
from domain.billing.subscription_model import Subscription
from domain.kernel.ids import TenantId
from domain.kernel.ports import Ids


async def draft_invoice(
    uow: BillingUnitOfWork, tenant: TenantId, sub: Subscription, ids: Ids, *, at: datetime, now: datetime
) -> Invoice | None:
    """An invoice for all lines of the subscription that wait for one: a draft, or final if its seller has no drafts.

    None if there are none, if they come to a credit, or if nobody sells yet. A credit waits for more; if the
    subscription is over, it is given back by a credit note.
    """
    lines = await uow.lines.uninvoiced(sub.id)
    customer = await uow.customers.get(sub.customer_id)
    seller = await uow.legal_entities.selling(customer.legal_entity)
    if not lines or seller is None:
        return None
    final = not seller.grace
    content = await reckoned(uow, lines, seller, customer, sub.id, final=final)
    if content.total.minor < 0:
        if sub.is_over:
            await CreditNotes(uow, tenant, ids, now).of_ended(sub, content, lines)
        return None
    steps = InvoiceSteps(uow, tenant, ids, now)
    return await steps.write(ids(InvoiceId), content, lines, (customer, seller), at=at, final=final)
