"""What every credit note needs: its content, its number, and its entries in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from domain.billing.credit_model import CreditGrant, GrantKind, GrantTerms
from domain.billing.credit_note_events import CreditNoteIssued
from domain.billing.credit_note_model import CreditNote, CreditNoteContent, CreditNoteLine, CreditNoteReason
from domain.billing.credits import CreditBooks
from domain.billing.ids import CreditNoteId, CustomerId
from domain.billing.invoice_model import InvoiceContent, InvoiceLine
from domain.billing.invoicing import ordered
from domain.billing.ledger import Charged, Journal
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.ports import BillingUnitOfWork
from domain.billing.subscription_model import Line, LineKind, Subscription
from domain.billing.taxes import TaxedAmount, tax_totals, total
from domain.kernel.ids import TenantId
from domain.kernel.money import Money, Rounding
from domain.kernel.ports import Ids

CREDIT_NAME = "Credit"


def credited_part(line: InvoiceLine, before: TaxedAmount, gross: Money) -> TaxedAmount:
    """Net and tax of this much more of a line, of which so much was given back before.

    The tax is rounded on what is given back altogether, so what is given back in parts has the tax of the whole.
    """
    share = Fraction(line.taxed.tax.minor, line.taxed.gross.minor)
    tax = (before.gross + gross).times(share, Rounding.HALF_UP) - before.tax
    return TaxedAmount(net=gross - tax, tax=tax)


def note_content(of: InvoiceContent, lines: Sequence[CreditNoteLine]) -> CreditNoteContent:
    """Between the same parties."""
    net, tax = (total((getattr(each.taxed, name) for each in lines), of.currency) for name in ("net", "tax"))
    return CreditNoteContent(
        legal_entity=of.legal_entity,
        seller=of.seller,
        buyer=of.buyer,
        locale=of.locale,
        timezone=of.timezone,
        currency=of.currency,
        lines=tuple(lines),
        taxes=tax_totals([(each.taxed, each.tax) for each in lines], of.currency),
        net=net,
        tax_amount=tax,
        total=net + tax,
    )


class CreditNotes:
    """One tenant's credit notes in one transaction, at one instant."""

    def __init__(self, uow: BillingUnitOfWork, tenant: TenantId, ids: Ids, now: datetime) -> None:
        self.uow, self.tenant, self.ids, self.now = uow, tenant, ids, now

    async def number(self, seller: LegalEntity) -> str:
        """The next one of the legal entity's credit notes this year."""
        year = self.now.astimezone(ZoneInfo(seller.timezone)).year
        # No legal entity's prefix has a slash, so the series never meet.
        number = await self.uow.invoices.number(f"{seller.number_prefix}/CN", year)
        return f"{seller.number_prefix}-CN-{year}-{number:06}"

    async def granted(self, note: CreditNote) -> CreditGrant | None:
        """What the customer has got to spend by it, if anything."""
        if not note.credited:
            return None
        books = CreditBooks(self.uow, self.tenant, self.ids, self.now)
        customer = await self.uow.customers.get(note.customer_id)
        terms = GrantTerms(note.credited.amount, f"{CREDIT_NAME} {note.number}")
        grant = books.grant(customer, terms, GrantKind.CREDIT_NOTE)
        grant = grant.model_copy(update={"credit_note_id": note.id})
        await self.uow.credits.put(grant)
        books.tell_granted(grant)
        return grant

    async def issue(
        self, note: CreditNote, journal: Journal, lines: Sequence[Line], charged: Sequence[Charged]
    ) -> CreditNote:
        """Write it down, with its entries; what is credited can be spent at once."""
        grant = await self.granted(note)
        if grant is not None:
            note = note.model_copy(update={"credit_grant_id": grant.id})
        await self.uow.credit_notes.put(note)
        await self.uow.lines.credit([line for line in lines if line.invoice_id is None], note.id)
        entries = [
            *journal.credit_note(charged, note.content.tax_amount),
            *(journal.credit_due(note.credited, grant=grant.id) if grant else []),
            *journal.refund_due(note.refunded),
        ]
        await self.uow.ledger.add(entries)
        self.uow.events.append(
            CreditNoteIssued(
                tenant_id=self.tenant,
                credit_note_id=note.id,
                customer_id=note.customer_id,
                invoice_id=note.invoice_id,
                number=note.number,
                reason=note.reason,
                total=note.content.total,
                tax=note.content.tax_amount,
                occurred_at=self.now,
            )
        )
        return note

    async def of_ended(self, sub: Subscription, content: InvoiceContent, lines: Sequence[Line]) -> CreditNote:
        """A subscription is over, and these lines come to a credit: no invoice will come to take it off."""
        seller = await self.uow.legal_entities.get(content.legal_entity)
        told = note_content(content, [_given_back(line) for line in content.lines])
        note = CreditNote(
            id=self.ids(CreditNoteId),
            number=await self.number(seller),
            customer_id=sub.customer_id,
            invoice_id=None,
            invoice_number=None,
            subscription_id=sub.id,
            reason=CreditNoteReason.SUBSCRIPTION_ENDED,
            note=None,
            content=told,
            lessened_due=told.total.of(minor=0),
            credited=told.total,
            refunded=told.total.of(minor=0),
            created_at=self.now,
        )
        charged = [
            Charged(line.id, each.taxed.net, line.period_start, line.period_end)
            for line, each in zip(ordered(lines), content.lines, strict=True)
        ]
        return await self.issue(note, self.journal(seller, sub.customer_id), lines, charged)

    def journal(self, seller: LegalEntity, customer: CustomerId) -> Journal:
        """For what is about no invoice."""
        return Journal(
            self.ids, self.now, legal_entity=seller.code, timezone=seller.timezone, customer=customer, invoice=None
        )


def _given_back(line: InvoiceLine) -> CreditNoteLine:
    back = TaxedAmount(net=-line.taxed.net, tax=-line.taxed.tax)
    return CreditNoteLine(key=line.key, name=line.name, tax=line.tax, taxed=back)


def is_credit(line: InvoiceLine) -> bool:
    """Whether it sells credit."""
    return line.kind is LineKind.PREPAID
