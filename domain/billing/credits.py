"""Credits: granted, bought, used by invoices in their order, returned with them, expired and voided.

Every grant is a liability in the ledger (`customer_credit`) until it is used: a gift costs its promotion when it is
given, what was bought is owed to the customer. Grants are used while they are held, so that no two invoices spend the
same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.billing.credit_commands import CreditGrantProgress, SettleCreditGrant
from domain.billing.credit_errors import CreditGrantInvalid, CreditGrantStepNotPossible
from domain.billing.credit_events import CreditApplied, CreditClosed, CreditGranted
from domain.billing.credit_model import CreditBalance, CreditGrant, CreditUse, GrantKind, GrantStatus, GrantTerms
from domain.billing.customer_model import Customer
from domain.billing.ids import CreditGrantId, CustomerId, InvoiceId
from domain.billing.invoice_errors import LegalEntityUnknown
from domain.billing.invoice_model import Invoice
from domain.billing.ledger import Journal
from domain.billing.ledger_model import JournalEntry
from domain.billing.permissions import GRANT_CREDIT, VOID_CREDIT_GRANT
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_model import LineKind
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.permissions import Permission
from domain.kernel.ports import Ids


class CreditBooks:
    """One tenant's credits in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def give(self, customer_id: CustomerId, terms: GrantTerms) -> CreditGrant:
        """A gift. Raises CustomerNotFound, CreditGrantInvalid, LegalEntityUnknown."""
        customer = await self.customer(customer_id)
        grant = self.grant(customer, terms, GrantKind.PROMOTIONAL)
        await self.uow.credits.put(grant)
        await self.book(customer, lambda journal: journal.credit_given(grant.amount, grant=grant.id))
        self.tell_granted(grant)
        self.audit(GRANT_CREDIT, grant.id, {"customerId": customer_id, "amount": str(grant.amount)})
        return grant

    async def void(self, credit_grant_id: CreditGrantId, reason: str) -> CreditGrant:
        """A gift that is taken back. Raises CreditGrantNotFound, CreditGrantStepNotPossible."""
        grant = await self.uow.credits.hold(credit_grant_id)
        if grant.kind is not GrantKind.PROMOTIONAL or grant.status is not GrantStatus.ACTIVE:
            raise CreditGrantStepNotPossible(status=grant.status.value, kind=grant.kind.value)
        self.now = await self.uow.clocks.now_of(grant.customer_id, self.now)
        self.audit(VOID_CREDIT_GRANT, credit_grant_id, {"reason": reason, "remaining": str(grant.remaining)})
        return await self._closed(grant, GrantStatus.VOIDED, reason)

    async def settle(self, credit_grant_id: CreditGrantId) -> CreditGrant:
        """What is left has expired, if its time is over. Raises CreditGrantNotFound."""
        grant = await self.uow.credits.hold(credit_grant_id)
        over = grant.expires_at is not None and grant.expires_at <= self.now
        if grant.status is GrantStatus.ACTIVE and over:
            return await self._closed(grant, GrantStatus.EXPIRED, None)
        return grant

    async def balance(self, customer_id: CustomerId) -> CreditBalance:
        """What a customer has to spend. Raises CustomerNotFound."""
        customer = await self.customer(customer_id)
        grants = await self.uow.credits.open_of(customer_id, hold=False)
        nothing = Money(minor=0, currency=customer.currency)
        usable = [each for each in grants if self._usable(each)]
        expiries = [each.expires_at for each in usable if each.expires_at is not None and each.remaining]
        return CreditBalance(
            balance=sum((each.remaining for each in usable), nothing),
            pending=sum((each.amount for each in grants if each.status is GrantStatus.PENDING), nothing),
            next_expiry_at=min(expiries, default=None),
        )

    async def apply(self, invoice: Invoice) -> Money:
        """Pay a final invoice that is held with what its customer has; how much that was.

        What is bought with it is no credit: an invoice for credit is paid with money.
        """
        left = invoice.due
        if not left or _buys_credit(invoice):
            return left.of(minor=0)
        grants = await self.uow.credits.open_of(invoice.customer_id, hold=True)
        for grant in sorted(filter(self._usable, grants), key=lambda each: each.order):
            used = min(left, grant.remaining)
            if used:
                await self._put(grant, remaining=grant.remaining - used)
                use = CreditUse(credit_grant_id=grant.id, invoice_id=invoice.id, amount=used, used_at=self.now)
                await self.uow.credits.use(use)
                left -= used
        applied = invoice.due - left
        if applied:
            customer = await self.uow.customers.get(invoice.customer_id)
            await self.book(customer, lambda journal: journal.credit_applied(applied), invoice.id)
            self.uow.events.append(
                CreditApplied(**self._of(invoice.customer_id), invoice_id=invoice.id, amount=applied)
            )
        return applied

    async def give_back(self, invoice: Invoice) -> None:
        """A final invoice that is held is void: what it was paid with can be spent again, unless its time is over."""
        customer = await self.uow.customers.get(invoice.customer_id)
        for use in await self.uow.credits.uses_of(invoice.id):
            await self._returned(use, customer)
        for grant in await self.uow.credits.bought_by(invoice.id):
            await self._put(grant, status=GrantStatus.VOIDED, closed_at=self.now, remaining=grant.amount.of(minor=0))

    async def paid_for(self, invoice: Invoice) -> None:
        """An invoice was paid: what was bought by it can be spent."""
        if not _buys_credit(invoice):
            return
        for grant in await self.uow.credits.bought_by(invoice.id):
            if grant.status is GrantStatus.PENDING:
                self.tell_granted(await self._put(grant, status=GrantStatus.ACTIVE))

    async def lessen(self, grant: CreditGrant, by: Money) -> CreditGrant:
        """What was bought is given back by a credit note, which books it."""
        left = grant.remaining - by
        if left:
            return await self._put(grant, remaining=left)
        return await self._put(grant, remaining=left, status=GrantStatus.VOIDED, closed_at=self.now)

    def grant(self, customer: Customer, terms: GrantTerms, kind: GrantKind) -> CreditGrant:
        """One that is not written down yet. Raises CreditGrantInvalid."""
        try:
            money = Money.parse(str(terms.amount), customer.currency)
        except ValueError as error:
            raise CreditGrantInvalid(amount=terms.amount, reason=str(error)) from None
        if terms.expires_at is not None and terms.expires_at <= self.now:
            raise CreditGrantInvalid(expires_at=terms.expires_at, now=self.now)
        return CreditGrant(
            id=self.ids(CreditGrantId),
            customer_id=customer.id,
            kind=kind,
            name=terms.name,
            status=GrantStatus.PENDING if kind is GrantKind.PREPAID else GrantStatus.ACTIVE,
            amount=money,
            remaining=money,
            priority=terms.priority,
            expires_at=terms.expires_at,
            created_at=self.now,
        )

    async def customer(self, customer_id: CustomerId) -> Customer:
        """Whose it is, and what time it is there. Raises CustomerNotFound."""
        self.now = await self.uow.clocks.now_of(customer_id, self.now)
        return await self.uow.customers.get(customer_id)

    async def book(
        self, customer: Customer, entries: Callable[[Journal], list[JournalEntry]], invoice: InvoiceId | None = None
    ) -> None:
        """In the books of who sells to the customer. Raises LegalEntityUnknown."""
        seller = await self.uow.legal_entities.selling(customer.legal_entity)
        if seller is None:
            raise LegalEntityUnknown(legal_entity=customer.legal_entity)
        journal = Journal(
            self.ids,
            self.now,
            legal_entity=seller.code,
            timezone=seller.timezone,
            customer=customer.id,
            invoice=invoice,
        )
        await self.uow.ledger.add(entries(journal))

    def tell_granted(self, grant: CreditGrant) -> None:
        """It can be spent."""
        self.uow.events.append(
            CreditGranted(
                **self._of(grant.customer_id),
                credit_grant_id=grant.id,
                kind=grant.kind,
                amount=grant.amount,
                expires_at=grant.expires_at,
            )
        )

    def audit(self, permission: Permission, resource: str, details: dict[str, Any]) -> None:
        """Somebody has done it."""
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=permission.name, resource=resource, details=details)
        )

    async def _returned(self, use: CreditUse, customer: Customer) -> None:
        grant = await self.uow.credits.hold(use.credit_grant_id)
        returned = await self._put(grant, remaining=grant.remaining + use.amount)
        await self.uow.credits.use(use.model_copy(update={"amount": use.amount.of(minor=0)}))
        await self.book(customer, lambda journal: journal.credit_returned(use.amount), use.invoice_id)
        if grant.status is not GrantStatus.ACTIVE:
            await self._closed(returned, grant.status, grant.reason)

    async def _closed(self, grant: CreditGrant, status: GrantStatus, reason: str | None) -> CreditGrant:
        lapsed = grant.remaining
        closed = await self._put(grant, status=status, remaining=lapsed.of(minor=0), closed_at=self.now, reason=reason)
        customer = await self.uow.customers.get(grant.customer_id)
        given = grant.kind is GrantKind.PROMOTIONAL
        await self.book(customer, lambda journal: journal.credit_lapsed(lapsed, given=given, grant=grant.id))
        voided = status is GrantStatus.VOIDED
        self.uow.events.append(
            CreditClosed(**self._of(grant.customer_id), credit_grant_id=grant.id, lapsed=lapsed, voided=voided)
        )
        return closed

    def _usable(self, grant: CreditGrant) -> bool:
        expired = grant.expires_at is not None and grant.expires_at <= self.now
        return grant.status is GrantStatus.ACTIVE and not expired

    async def _put(self, grant: CreditGrant, **changes: object) -> CreditGrant:
        changed = grant.model_copy(update={**changes, "revision": grant.revision + 1})
        await self.uow.credits.put(changed)
        return changed

    def _of(self, customer: CustomerId) -> dict[str, Any]:
        return {"tenant_id": self.tenant, "customer_id": customer, "occurred_at": self.now}


def _buys_credit(invoice: Invoice) -> bool:
    return any(line.kind is LineKind.PREPAID for line in invoice.content.lines)


async def settle_credit_grant(uow: BillingUnitOfWork, cmd: SettleCreditGrant, ids: Ids) -> CreditGrantProgress:
    """What is due by the command's now, and what comes next. May be done again. Raises CreditGrantNotFound."""
    return credit_standing(await CreditBooks(uow, cmd.tenant_id, ids, cmd.now).settle(cmd.credit_grant_id))


def credit_standing(grant: CreditGrant) -> CreditGrantProgress:
    """Where it stands, and what happens next, when and why."""
    told = CreditGrantProgress(status=grant.status.value, remaining=str(grant.remaining))
    if grant.status is GrantStatus.PENDING:
        return told.model_copy(update={"why": "its invoice waits to be paid"})
    if grant.status is not GrantStatus.ACTIVE or grant.expires_at is None:
        return told.model_copy(update={"over": True})
    return told.model_copy(update={"next": "expire", "next_at": grant.expires_at, "why": "it was granted until then"})
