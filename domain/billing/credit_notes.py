"""Credit notes for invoices: what is left of lines is given back, once, as less to pay, as credit or by refund."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.billing.credit_note_errors import CreditNoteInvalid, RefundNotPossible
from domain.billing.credit_note_model import (
    CreditNote,
    CreditNoteLine,
    Settlement,
    WantedCredit,
    WantedCreditNote,
)
from domain.billing.crediting import CreditNotes, credited_part, is_credit, note_content
from domain.billing.credits import CreditBooks
from domain.billing.events import PaymentMethod
from domain.billing.ids import CreditNoteId, RefundId
from domain.billing.invoice_errors import InvoiceStepNotPossible
from domain.billing.invoice_model import Invoice, InvoiceLine, InvoiceStatus
from domain.billing.invoices import InvoiceBooks
from domain.billing.ledger import Charged, Journal
from domain.billing.payment_errors import PaymentUnderWay
from domain.billing.payment_model import Payment
from domain.billing.permissions import ISSUE_CREDIT_NOTE
from domain.billing.ports import BillingUnitOfWork
from domain.billing.refunds import RefundBooks
from domain.billing.subscription_model import Line
from domain.billing.taxes import TaxedAmount
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.kernel.money import Money
from domain.kernel.ports import Ids


class _Settled(NamedTuple):
    """How a total is settled, and by which payment the refunded part goes back."""

    due: Money
    credit: Money
    refund: Money
    payment: Payment | None


async def issue_credit_note(
    uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime, wanted: WantedCreditNote
) -> CreditNote:
    """Give back what is wanted of an invoice.

    Raises InvoiceNotFound, InvoiceStepNotPossible, PaymentUnderWay, CreditNoteInvalid, RefundNotPossible.
    """
    invoice = await uow.invoices.hold(wanted.invoice_id)
    now = await uow.clocks.now_of(invoice.customer_id, now)
    if invoice.status not in (InvoiceStatus.OPEN, InvoiceStatus.PAID):
        raise InvoiceStepNotPossible(status=invoice.status.value)
    if (live := await uow.payments.live(invoice.id)) is not None:
        raise PaymentUnderWay(payment_id=live.id, status=live.status.value)
    before = await uow.credit_notes.of_invoice(invoice.id)
    content = note_content(invoice.content, _lines(invoice, before, wanted.lines))
    _within(invoice, before, content.total)
    settled = await _settled(uow, invoice, content.total, wanted.settlement)
    seller = await uow.legal_entities.get(invoice.content.legal_entity)
    notes = CreditNotes(uow, tenant, ids, now)
    refund_id = ids(RefundId) if settled.refund else None
    note = CreditNote(
        id=ids(CreditNoteId),
        number=await notes.number(seller),
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        invoice_number=invoice.number,
        subscription_id=invoice.subscription_id,
        reason=wanted.reason,
        note=wanted.note,
        content=content,
        lessened_due=settled.due,
        credited=settled.credit,
        refunded=settled.refund,
        refund_id=refund_id,
        created_at=now,
    )
    lines = await uow.lines.of_invoice(invoice.id)
    await _take_credit_back(uow, tenant, ids, now, invoice, note)
    journal = Journal(
        ids,
        now,
        legal_entity=seller.code,
        timezone=seller.timezone,
        customer=invoice.customer_id,
        invoice=invoice.id,
    )
    note = await notes.issue(note, journal, lines, _charged(invoice, note, lines))
    if settled.payment is not None and refund_id is not None:
        await RefundBooks(uow, tenant, ids, now).request(refund_id, settled.payment, note)
    if settled.due:
        await InvoiceBooks(uow, tenant, ids, now).lessen(invoice, settled.due, PaymentMethod.CREDIT_BALANCE)
    details = {"number": note.number, "total": str(content.total), "reason": note.reason.value}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ISSUE_CREDIT_NOTE.name, resource=invoice.id, details=details))
    return note


def _lines(
    invoice: Invoice, before: Sequence[CreditNote], wanted: Sequence[WantedCredit] | None
) -> list[CreditNoteLine]:
    """What is given back of each line; of lines that are credits themselves only if all is given back."""
    known = {line.key: line for line in invoice.content.lines}
    given = _given(before, invoice.content.currency)
    if wanted is None:
        rest = [(line, _left(line, given)) for line in invoice.content.lines]
    else:
        if len({each.key for each in wanted}) < len(wanted):
            raise CreditNoteInvalid(reason="a line is there twice")
        rest = [_wished(each, known, given) for each in wanted]
    found = [
        CreditNoteLine(key=line.key, name=line.name, tax=line.tax, taxed=_part(line, given, gross))
        for line, gross in rest
        if gross
    ]
    if not found:
        raise CreditNoteInvalid(reason="nothing is left to be given back")
    return found


def _wished(
    each: WantedCredit, known: Mapping[str, InvoiceLine], given: Mapping[str, TaxedAmount]
) -> tuple[InvoiceLine, Money]:
    line = known.get(each.key)
    if line is None:
        raise CreditNoteInvalid(key=each.key, lines=sorted(known))
    left = _left(line, given)
    try:
        gross = left if each.amount is None else Money.parse(str(each.amount), left.currency)
    except ValueError as error:
        raise CreditNoteInvalid(key=each.key, reason=str(error)) from None
    if not 0 < gross.minor <= left.minor:
        raise CreditNoteInvalid(key=each.key, left=str(left))
    return line, gross


def _part(line: InvoiceLine, given: Mapping[str, TaxedAmount], gross: Money) -> TaxedAmount:
    nothing = TaxedAmount(net=gross.of(minor=0), tax=gross.of(minor=0))
    return credited_part(line, given.get(line.key, nothing), gross)


def _given(before: Sequence[CreditNote], currency: str) -> dict[str, TaxedAmount]:
    given: dict[str, TaxedAmount] = {}
    nothing = Money(minor=0, currency=currency)
    for each in (line for note in before for line in note.content.lines):
        was = given.get(each.key, TaxedAmount(net=nothing, tax=nothing))
        given[each.key] = TaxedAmount(net=was.net + each.taxed.net, tax=was.tax + each.taxed.tax)
    return given


def _left(line: InvoiceLine, given: Mapping[str, TaxedAmount]) -> Money:
    return line.taxed.gross - given[line.key].gross if line.key in given else line.taxed.gross


def _within(invoice: Invoice, before: Sequence[CreditNote], total: Money) -> None:
    """An invoice with credits among its lines comes to less than its charges, and no more is given back."""
    left = invoice.content.total - sum((note.content.total for note in before), total.of(minor=0))
    if not 0 < total.minor <= left.minor:
        raise CreditNoteInvalid(total=str(total), left=str(left))


async def _settled(uow: BillingUnitOfWork, invoice: Invoice, total: Money, wish: Settlement) -> _Settled:
    nothing = total.of(minor=0)
    if invoice.status is InvoiceStatus.OPEN:
        due = min(total, invoice.due)
        return _Settled(due, total - due, nothing, None)
    payment = None if wish is Settlement.CREDIT else await uow.payments.succeeded(invoice.id)
    refundable = nothing
    if payment is not None:
        own = await uow.refunds.asked_of(payment.id)
        refunded = max(payment.refunded, payment.amount.of(minor=own))
        refundable = max(payment.amount - refunded - payment.withdrawn, nothing)
    if wish is Settlement.REFUND and refundable < total:
        raise RefundNotPossible(refundable=str(refundable), total=str(total))
    refund = min(total, refundable)
    return _Settled(nothing, total - refund, refund, payment if refund else None)


async def _take_credit_back(
    uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime, invoice: Invoice, note: CreditNote
) -> None:
    """Of credit that was bought, only what is not spent can be given back, and not as credit."""
    sold = {line.key for line in invoice.content.lines if is_credit(line)}
    back = sum((each.taxed.gross for each in note.content.lines if each.key in sold), note.content.total.of(minor=0))
    if not back:
        return
    if note.credited:
        raise RefundNotPossible(reason="credit is not given back as credit", refundable=str(note.refunded))
    for grant in await uow.credits.bought_by(invoice.id):
        if grant.remaining < back:
            raise CreditNoteInvalid(reason="it is spent", left=str(grant.remaining))
        await CreditBooks(uow, tenant, ids, now).lessen(grant, back)


def _charged(invoice: Invoice, note: CreditNote, lines: Sequence[Line]) -> list[Charged]:
    by_key, sold = {line.key: line for line in lines}, {line.key for line in invoice.content.lines if is_credit(line)}
    return [
        Charged(
            by_key[each.key].id,
            -each.taxed.net,
            by_key[each.key].period_start,
            by_key[each.key].period_end,
            each.key in sold,
        )
        for each in note.content.lines
    ]
