"""Refunds: written down before they are sent, asked after before they are sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.billing.credit_note_errors import RefundStepNotPossible
from domain.billing.credit_note_events import RefundFailed, RefundRequested, RefundSucceeded
from domain.billing.credit_note_model import CreditNote
from domain.billing.crediting import CreditNotes
from domain.billing.ids import RefundId
from domain.billing.ledger import Journal
from domain.billing.payment_errors import PaymentAccountNotConnected, PaymentAccountRefused, ProviderUnreachable
from domain.billing.payment_model import Payment
from domain.billing.payment_ports import Providers
from domain.billing.payments import PROCESSING, PaymentBooks, patience
from domain.billing.permissions import RETRY_REFUND
from domain.billing.ports import BillingUnitOfWork
from domain.billing.refund_commands import DriveRefund, RefundProgress
from domain.billing.refund_model import Refund, RefundAnswer, RefundOrder, RefundStatus
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.ports import Ids, Transactions

_WHY = {
    RefundStatus.PENDING: "it is being sent",
    RefundStatus.UNKNOWN: "no answer came, and money may have moved: the provider is asked before anything else",
    RefundStatus.PROCESSING: "the provider has not decided yet",
}


class RefundBooks:
    """One tenant's refunds in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def request(self, id_: RefundId, payment: Payment, note: CreditNote) -> Refund:
        """What a credit note gives back by this payment; its process sends it."""
        refund = Refund(
            id=id_,
            payment_id=payment.id,
            credit_note_id=note.id,
            invoice_id=payment.invoice_id,
            customer_id=payment.customer_id,
            provider=payment.provider,
            amount=note.refunded,
            status=RefundStatus.PENDING,
            created_at=self.now,
        )
        await self.uow.refunds.put(refund)
        self._tell_requested(refund)
        return refund

    async def retry(self, refund_id: RefundId) -> Refund:
        """Send one that has failed again. Raises RefundNotFound, RefundStepNotPossible."""
        refund = await self._failed(refund_id)
        again = await self._put(
            refund,
            status=RefundStatus.PENDING,
            attempt=refund.attempt + 1,
            reference=None,
            sent_at=None,
            settled_at=None,
            checks=0,
        )
        self._tell_requested(again)
        self._audit(refund, {"attempt": again.attempt})
        return again

    async def become_credit(self, refund_id: RefundId) -> Refund:
        """One that has failed: the customer can spend it instead. Raises RefundNotFound, RefundStepNotPossible."""
        refund = await self._failed(refund_id)
        note = await self.uow.credit_notes.hold(refund.credit_note_id)
        notes = CreditNotes(self.uow, self.tenant, self.ids, self.now)
        nothing = refund.amount.of(minor=0)
        now_credit = note.model_copy(update={"credited": refund.amount})
        grant = await notes.granted(now_credit)
        assert grant is not None
        credited = note.credited + refund.amount
        await self.uow.credit_notes.put(
            note.model_copy(update={"credited": credited, "refunded": nothing, "credit_grant_id": grant.id})
        )
        seller = await self.uow.legal_entities.get(note.content.legal_entity)
        journal = Journal(
            self.ids,
            self.now,
            legal_entity=seller.code,
            timezone=seller.timezone,
            customer=refund.customer_id,
            invoice=refund.invoice_id,
        )
        await self.uow.ledger.add(journal.refund_credited(refund.amount, grant=grant.id))
        self._audit(refund, {"creditGrantId": grant.id})
        return await self._put(refund, status=RefundStatus.CREDITED)

    async def order(self, refund_id: RefundId) -> tuple[Refund, RefundOrder, bool]:
        """What to send or ask about, and whether it is sent for the first time: that it is, is written down first."""
        refund = await self.uow.refunds.hold(refund_id)
        payment = await self.uow.payments.get(refund.payment_id)
        first = refund.sent_at is None
        if first and refund.is_live:
            refund = await self._put(refund, sent_at=self.now)
        order = RefundOrder(
            key=f"{refund.id}-{refund.attempt}",
            provider=refund.provider,
            payment=payment.reference or "",
            amount=refund.amount,
            reference=refund.reference,
        )
        return refund, order, first

    async def lost(self, refund_id: RefundId, message: str) -> Refund:
        """No answer: it is asked after in a while, ever more patiently."""
        refund = await self.uow.refunds.hold(refund_id)
        changes: dict[str, Any] = {"checks": refund.checks + 1, "check_at": self.now + patience(refund.checks)}
        if refund.status is RefundStatus.PENDING:
            changes["status"] = RefundStatus.UNKNOWN
        return await self._put(refund, **changes, message=message)

    async def told(self, refund_id: RefundId, answer: RefundAnswer) -> Refund:
        """What the provider says of it now. What has succeeded is booked when the payment is asked about."""
        refund = await self.uow.refunds.hold(refund_id)
        if not refund.is_live:
            return refund
        known: dict[str, Any] = {"reference": answer.reference, "message": answer.message, "checks": 0}
        if answer.status is RefundStatus.PROCESSING:
            return await self._put(refund, **known, status=RefundStatus.PROCESSING, check_at=self.now + PROCESSING)
        over = await self._put(refund, **known, status=answer.status, settled_at=self.now, check_at=None)
        if answer.status is RefundStatus.SUCCEEDED:
            self.uow.events.append(RefundSucceeded(**self._of(over), reference=over.reference or ""))
            PaymentBooks(self.uow, self.tenant, self.ids, self.now).hint(refund.payment_id, "refunded")
        else:
            self.uow.events.append(RefundFailed(**self._of(over), reason=over.message or ""))
        return over

    async def _failed(self, refund_id: RefundId) -> Refund:
        refund = await self.uow.refunds.hold(refund_id)
        self.now = await self.uow.clocks.now_of(refund.customer_id, self.now)
        if refund.status is not RefundStatus.FAILED:
            raise RefundStepNotPossible(status=refund.status.value)
        return refund

    def _tell_requested(self, refund: Refund) -> None:
        self.uow.events.append(
            RefundRequested(
                tenant_id=self.tenant,
                refund_id=refund.id,
                payment_id=refund.payment_id,
                customer_id=refund.customer_id,
                amount=refund.amount,
                attempt=refund.attempt,
                occurred_at=self.now,
            )
        )

    async def _put(self, refund: Refund, **changes: object) -> Refund:
        changed = refund.model_copy(update={**changes, "revision": refund.revision + 1})
        await self.uow.refunds.put(changed)
        return changed

    def _of(self, refund: Refund) -> dict[str, Any]:
        names = ("payment_id", "customer_id", "amount", "provider")
        return {
            **{name: getattr(refund, name) for name in names},
            "tenant_id": self.tenant,
            "refund_id": refund.id,
            "occurred_at": self.now,
        }

    def _audit(self, refund: Refund, details: dict[str, Any]) -> None:
        self.uow.audit.record(
            AuditEntry(tenant_id=self.tenant, action=RETRY_REFUND.name, resource=refund.id, details=details)
        )


async def drive_refund(
    books: Transactions[BillingUnitOfWork], providers: Providers, cmd: DriveRefund, ids: Ids
) -> RefundProgress:
    """Send it if it was not, ask about it if it was, and write down what is known. May be done again.

    Raises RefundNotFound.
    """

    def of(uow: BillingUnitOfWork) -> RefundBooks:
        return RefundBooks(uow, cmd.tenant_id, ids, cmd.now)

    refund, order, first = await books(cmd.tenant_id, lambda uow: of(uow).order(cmd.refund_id))
    if not refund.is_live:
        return refund_standing(refund)
    try:
        answer = None if first else await providers.look_up_refund(cmd.tenant_id, order)
        if answer is None:
            answer = await providers.refund(cmd.tenant_id, order)
    except (ProviderUnreachable, PaymentAccountRefused, PaymentAccountNotConnected) as lost:
        message = lost.message
        return refund_standing(await books(cmd.tenant_id, lambda uow: of(uow).lost(cmd.refund_id, message)))
    known = answer
    return refund_standing(await books(cmd.tenant_id, lambda uow: of(uow).told(cmd.refund_id, known)))


def refund_standing(refund: Refund) -> RefundProgress:
    """Where it stands, and what happens next, when and why."""
    told = RefundProgress(
        status=refund.status.value,
        amount=str(refund.amount),
        attempt=refund.attempt,
        reference=refund.reference or "",
        message=refund.message or "",
    )
    if not refund.is_live:
        return told.model_copy(update={"over": True})
    next_ = {"next": "ask the provider", "next_at": refund.check_at, "why": _WHY[refund.status]}
    return told.model_copy(update=next_)
