"""The life of an invoice: a draft for a while, then final, then paid, void or written off."""

from __future__ import annotations

from domain.billing.credits import CreditBooks
from domain.billing.drafting import draft_invoice
from domain.billing.dunning_cases import DunningCases
from domain.billing.dunning_model import DunningStatus
from domain.billing.events import PaymentMethod
from domain.billing.ids import InvoiceId, PaymentId
from domain.billing.invoice_commands import InvoiceProgress, SettleInvoice
from domain.billing.invoice_errors import InvoiceStepNotPossible
from domain.billing.invoice_events import InvoiceOverdue, InvoiceVoided, InvoiceWrittenOff
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.invoice_steps import InvoiceSteps
from domain.billing.ledger_model import Account, EntryKind
from domain.billing.payment_errors import PaymentUnderWay
from domain.billing.permissions import MARK_INVOICE_PAID, VOID_INVOICE, WRITE_OFF_INVOICE
from domain.billing.ports import BillingUnitOfWork
from domain.billing.reckoning import reckoned
from domain.billing.subscriptions import Books
from domain.kernel.money import Money
from domain.kernel.ports import Ids

ITS_OWN = (EntryKind.INVOICE_FINALIZED, EntryKind.REVENUE_RECOGNIZED)
"""Entries that an invoice makes when it becomes final, and that are undone with it."""

CREDIT = "it comes to a credit, which waits for the next invoice"


class InvoiceBooks(InvoiceSteps):
    """Everything that becomes of an invoice after it was written, each in one transaction."""

    async def settle(self, invoice_id: InvoiceId) -> Invoice:
        """What is due by now: a draft becomes final, an open invoice overdue. Raises InvoiceNotFound."""
        invoice = await self.uow.invoices.hold(invoice_id)
        if invoice.status is InvoiceStatus.DRAFT and invoice.finalize_at <= self.now:
            return await self._finalized(invoice)
        if invoice.status is InvoiceStatus.OPEN and invoice.due_at and invoice.due_at <= self.now:
            return await self._overdue(invoice)
        return invoice

    async def finalize(self, invoice_id: InvoiceId) -> Invoice:
        """At once. Raises InvoiceNotFound, InvoiceStepNotPossible."""
        return await self._finalized(await self._ready(invoice_id, InvoiceStatus.DRAFT))

    async def void(self, invoice_id: InvoiceId, reason: str) -> Invoice:
        """It is not owed; what was on a draft waits for the next invoice.

        Raises InvoiceNotFound, InvoiceStepNotPossible, PaymentUnderWay.
        """
        invoice = await self._ready(invoice_id, InvoiceStatus.DRAFT, InvoiceStatus.OPEN)
        await self._not_collected(invoice)
        if await self.uow.credit_notes.of_invoice(invoice.id):
            raise InvoiceStepNotPossible(status=invoice.status.value, reason="give back the rest by a credit note")
        voided = await self._voided(invoice, reason)
        self.audit(VOID_INVOICE, voided, {"reason": reason})
        return voided

    async def mark_paid(self, invoice_id: InvoiceId, method: PaymentMethod) -> Invoice:
        """Somebody says that it was paid. Raises InvoiceNotFound, InvoiceStepNotPossible, PaymentUnderWay."""
        invoice = await self._ready(invoice_id, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
        await self._not_collected(invoice)
        paid = await self.pay(invoice, method, Account.BANK)
        self.audit(MARK_INVOICE_PAID, paid, {"method": method.value})
        return paid

    async def write_off(self, invoice_id: InvoiceId, reason: str) -> Invoice:
        """Nobody expects that it will be paid. Raises InvoiceNotFound, InvoiceStepNotPossible."""
        invoice = await self._ready(invoice_id, InvoiceStatus.OPEN)
        written_off = await self.put(invoice, status=InvoiceStatus.UNCOLLECTIBLE, closed_at=self.now, reason=reason)
        self.uow.events.append(InvoiceWrittenOff(**self.named(invoice), total=invoice.content.total, reason=reason))
        await self.book(written_off, lambda journal: journal.written_off(invoice.due))
        self.audit(WRITE_OFF_INVOICE, written_off, {"reason": reason})
        return written_off

    async def collected(
        self, invoice: Invoice, payment: PaymentId, method: PaymentMethod, into: Account, *, attempt: int
    ) -> Invoice:
        """A provider has collected an invoice that is held."""
        return await self.pay(invoice, method, into, payment=payment, attempt=attempt)

    async def lessen(self, invoice: Invoice, by: Money, method: PaymentMethod) -> Invoice:
        """A credit note leaves less to pay of an open invoice that is held; with nothing left it is paid so."""
        lessened = await self.put(invoice, due=invoice.due - by)
        if not lessened.due:
            return await self.pay(lessened, method, Account.BANK)
        cases = DunningCases(self.uow, self.tenant, self.now)
        case = await self.uow.dunning.find(invoice.id)
        if case is not None and case.is_open:
            await cases.put(case, due=lessened.due)
        return lessened

    async def refunded(self, invoice: Invoice, payment: PaymentId, amount: Money, out_of: Account) -> None:
        """A provider has given money back that it had collected for an invoice."""
        await self.book(invoice, lambda journal: journal.refunded(amount, out_of, payment=payment))

    async def withdrawn(self, invoice: Invoice, payment: PaymentId, amount: Money, out_of: Account) -> None:
        """A dispute has taken the money back; a negative amount was won again. The invoice stays as it is."""
        await self.book(invoice, lambda journal: journal.withdrawn(amount, out_of, payment=payment))

    async def _finalized(self, invoice: Invoice) -> Invoice:
        """With its number, and with usage that came late while it was a draft."""
        await self._join(invoice)
        lines = await self.uow.lines.of_invoice(invoice.id)
        customer = await self.uow.customers.get(invoice.customer_id)
        seller = await self.uow.legal_entities.get(invoice.content.legal_entity)
        content = await reckoned(self.uow, lines, seller, customer, invoice.subscription_id, final=True)
        if content.total.minor < 0:
            return await self._a_credit(invoice)
        said = invoice.model_copy(update={"content": content})
        return await self.make_final(said, lines, (customer, seller), draft_until=invoice.finalize_at)

    async def _a_credit(self, invoice: Invoice) -> Invoice:
        """It has come to a credit as a draft: that waits for the next invoice, if there will be one."""
        voided = await self._voided(invoice, CREDIT)
        assert invoice.subscription_id is not None
        sub = await self.uow.subscriptions.get(invoice.subscription_id)
        await draft_invoice(self.uow, self.tenant, sub, self.ids, at=self.now, now=self.now)
        return voided

    async def _join(self, invoice: Invoice) -> None:
        """What its subscription was charged while it was a draft, late usage with it."""
        if invoice.subscription_id is None:
            return
        if invoice.finalize_at > invoice.created_at:
            await Books(self.uow, self.tenant, self.ids, self.now).look_again(invoice.subscription_id)
        joining = await self.uow.lines.uninvoiced(invoice.subscription_id)
        await self.uow.lines.invoice(joining, invoice.id)

    async def _voided(self, invoice: Invoice, reason: str) -> Invoice:
        if invoice.status is InvoiceStatus.DRAFT:
            # What was to be charged by this invoice alone is not charged.
            if invoice.subscription_id is not None:
                await self.uow.lines.release(invoice.id)
        else:
            entries = await self.uow.ledger.of_invoice(invoice.id, ITS_OWN)
            await self.book(invoice, lambda journal: journal.reversed(entries))
            await CreditBooks(self.uow, self.tenant, self.ids, self.now).give_back(invoice)
            await DunningCases(self.uow, self.tenant, self.now).close(invoice.id, DunningStatus.STOPPED)
        voided = await self.put(invoice, status=InvoiceStatus.VOID, closed_at=self.now, reason=reason)
        self.uow.events.append(InvoiceVoided(**self.named(invoice), total=invoice.content.total, reason=reason))
        return voided

    async def _overdue(self, invoice: Invoice) -> Invoice:
        if invoice.overdue:
            return invoice
        assert invoice.due_at is not None
        self.uow.events.append(
            InvoiceOverdue(**self.named(invoice), total=invoice.content.total, due_at=invoice.due_at)
        )
        return await self.put(invoice, overdue=True)

    async def _not_collected(self, invoice: Invoice) -> None:
        """Money that moves by a payment must find what it is for."""
        if (live := await self.uow.payments.live(invoice.id)) is not None:
            raise PaymentUnderWay(payment_id=live.id, status=live.status.value)

    async def _ready(self, invoice_id: InvoiceId, *statuses: InvoiceStatus) -> Invoice:
        invoice = await self.uow.invoices.hold(invoice_id)
        self.now = await self.uow.clocks.now_of(invoice.customer_id, self.now)
        if invoice.status not in statuses:
            raise InvoiceStepNotPossible(status=invoice.status.value)
        return invoice


async def settle(uow: BillingUnitOfWork, cmd: SettleInvoice, ids: Ids) -> InvoiceProgress:
    """What is due by the command's now, and what comes next. May be done again. Raises InvoiceNotFound."""
    return invoice_standing(await InvoiceBooks(uow, cmd.tenant_id, ids, cmd.now).settle(cmd.invoice_id))


def invoice_standing(invoice: Invoice) -> InvoiceProgress:
    """Where it stands, and what happens next, when and why."""
    told = InvoiceProgress(
        status=invoice.status.value,
        number=invoice.number or "",
        total=str(invoice.content.total),
        due=str(invoice.due),
    )
    if invoice.status is InvoiceStatus.DRAFT:
        until = {"next": "finalize", "next_at": invoice.finalize_at, "why": "its time as a draft is over"}
        return told.model_copy(update=until)
    if invoice.status is InvoiceStatus.OPEN:
        due = {"next": "overdue", "next_at": invoice.due_at, "why": "it is due by then"}
        waits = {"next": "", "next_at": None, "why": "it waits to be paid"}
        return told.model_copy(update=waits if invoice.overdue else due)
    return told.model_copy(update={"over": True})
