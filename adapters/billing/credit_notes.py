"""Credit notes and refunds in the tenant's schema."""

from __future__ import annotations

from typing import Any

from adapters.postgres.rows import names, newest_first, places
from adapters.postgres.session import Session
from domain.billing.credit_note_errors import CreditNoteNotFound, RefundNotFound
from domain.billing.credit_note_model import CreditNote
from domain.billing.ids import CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId
from domain.billing.refund_model import Refund, RefundStatus
from domain.kernel.money import Money
from domain.kernel.pagination import Page

_NOTE_MONEY = ("lessened_due", "credited", "refunded")
_NOTE_PLAIN = tuple(name for name in CreditNote.model_fields if name not in _NOTE_MONEY)
_NOTE = (*_NOTE_PLAIN, "currency", "total_minor", *(f"{name}_minor" for name in _NOTE_MONEY))
_REFUND_PLAIN = tuple(name for name in Refund.model_fields if name != "amount")
_REFUND = (*_REFUND_PLAIN, "currency", "amount_minor")


class PostgresCreditNotes:
    """See `domain.billing.ports.IssuedCreditNotes`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, note: CreditNote) -> None:
        """Insert or replace."""
        known = {
            **dict(note),
            "content": note.content.model_dump(mode="json"),
            "currency": note.content.currency,
            "total_minor": note.content.total.minor,
            **{f"{name}_minor": getattr(note, name).minor for name in _NOTE_MONEY},
        }
        changing = tuple(name for name in _NOTE if name != "id")
        await self._sql.execute(
            f"INSERT INTO billing_credit_note ({names(_NOTE)}) VALUES ({places(_NOTE)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *(known[name] for name in _NOTE),
        )

    async def get(self, note_id: CreditNoteId) -> CreditNote:
        """Raises CreditNoteNotFound."""
        return await self._one(note_id)

    async def hold(self, note_id: CreditNoteId) -> CreditNote:
        """Locked until the transaction ends. Raises CreditNoteNotFound."""
        return await self._one(note_id, "FOR UPDATE")

    async def of_invoice(self, invoice_id: InvoiceId) -> list[CreditNote]:
        """Those of this invoice, oldest first."""
        rows = await self._sql.fetch("SELECT * FROM billing_credit_note WHERE invoice_id = $1 ORDER BY id", invoice_id)
        return [_note(row) for row in rows]

    async def page(
        self, customer: CustomerId | None, invoice: InvoiceId | None, *, cursor: str | None, limit: int
    ) -> Page[CreditNote]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_credit_note",
            _note,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR invoice_id = $2)",
            values=(customer, invoice),
            cursor=cursor,
            limit=limit,
        )

    async def _one(self, note_id: CreditNoteId, lock: str = "") -> CreditNote:
        row = await self._sql.fetchrow(f"SELECT * FROM billing_credit_note WHERE id = $1 {lock}", note_id)
        if row is None:
            raise CreditNoteNotFound
        return _note(row)


class PostgresRefunds:
    """See `domain.billing.ports.Refunds`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, refund: Refund) -> None:
        """Insert or replace."""
        known = {**dict(refund), "currency": refund.amount.currency, "amount_minor": refund.amount.minor}
        changing = tuple(name for name in _REFUND if name != "id")
        await self._sql.execute(
            f"INSERT INTO billing_refund ({names(_REFUND)}) VALUES ({places(_REFUND)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *(known[name] for name in _REFUND),
        )

    async def get(self, refund_id: RefundId) -> Refund:
        """Raises RefundNotFound."""
        return await self._one(refund_id)

    async def hold(self, refund_id: RefundId) -> Refund:
        """Locked until the transaction ends. Raises RefundNotFound."""
        return await self._one(refund_id, "FOR UPDATE")

    async def asked_of(self, payment_id: PaymentId) -> int:
        """What was and is to be given back of this payment, in minor units; without what has failed."""
        minor: int = await self._sql.fetchval(
            "SELECT coalesce(sum(amount_minor), 0)::bigint FROM billing_refund WHERE payment_id = $1 "
            "AND status NOT IN ('failed', 'credited')",
            payment_id,
        )
        return minor

    async def page(
        self, customer: CustomerId | None, status: RefundStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Refund]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_refund",
            _refund,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(customer, status),
            cursor=cursor,
            limit=limit,
        )

    async def _one(self, refund_id: RefundId, lock: str = "") -> Refund:
        row = await self._sql.fetchrow(f"SELECT * FROM billing_refund WHERE id = $1 {lock}", refund_id)
        if row is None:
            raise RefundNotFound
        return _refund(row)


def _note(row: Any) -> CreditNote:
    money = {name: Money(minor=row[f"{name}_minor"], currency=row["currency"]) for name in _NOTE_MONEY}
    return CreditNote(**{name: row[name] for name in _NOTE_PLAIN}, **money)


def _refund(row: Any) -> Refund:
    amount = Money(minor=row["amount_minor"], currency=row["currency"])
    return Refund(**{name: row[name] for name in _REFUND_PLAIN}, amount=amount)
