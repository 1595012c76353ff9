"""Credit that is bought: an invoice for it, and a grant that can be spent once that is paid."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from domain.billing.credit_model import CreditGrant, GrantKind, GrantTerms
from domain.billing.credits import CreditBooks
from domain.billing.ids import CustomerId, InvoiceId, LineId
from domain.billing.invoice_errors import LegalEntityUnknown
from domain.billing.invoices import InvoiceBooks
from domain.billing.permissions import GRANT_CREDIT
from domain.billing.ports import BillingUnitOfWork
from domain.billing.reckoning import reckoned
from domain.billing.subscription_model import Line, LineKind
from domain.billing.taxes import OUTSIDE_SCOPE
from domain.kernel.ids import TenantId
from domain.kernel.ports import Ids


async def buy_credit(
    uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime, customer_id: CustomerId, terms: GrantTerms
) -> CreditGrant:
    """An invoice for this much credit, final at once. No tax is on it, but on what is paid with it later.

    Raises CustomerNotFound, CreditGrantInvalid, LegalEntityUnknown.
    """
    books = CreditBooks(uow, tenant, ids, now)
    customer = await books.customer(customer_id)
    seller = await uow.legal_entities.selling(customer.legal_entity)
    if seller is None:
        raise LegalEntityUnknown(legal_entity=customer.legal_entity)
    invoice_id = ids(InvoiceId)
    grant = books.grant(customer, terms, GrantKind.PREPAID)
    grant = grant.model_copy(update={"invoice_id": invoice_id})
    line = Line(
        id=ids(LineId),
        subscription_id=None,
        customer_id=customer_id,
        key=f"{invoice_id}/credit",
        kind=LineKind.PREPAID,
        plan_code=None,
        plan_version=None,
        charge_code="credit",
        name=terms.name,
        tax_category=OUTSIDE_SCOPE,
        period_start=books.now,
        period_end=books.now,
        quantity=Decimal(1),
        price=grant.amount,
        share="1",
        amount=grant.amount,
        occurred_at=books.now,
    )
    content = await reckoned(uow, [line], seller, customer, None)
    invoices = InvoiceBooks(uow, tenant, ids, books.now)
    await uow.lines.add([line])
    await invoices.write(invoice_id, content, [line], (customer, seller), at=books.now, final=False)
    await uow.credits.put(grant)
    books.audit(
        GRANT_CREDIT, grant.id, {"customerId": customer_id, "amount": str(grant.amount), "invoiceId": invoice_id}
    )
    await invoices.finalize(invoice_id)
    return await uow.credits.get(grant.id)
