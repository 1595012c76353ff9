"""Legal entities and invoices in the tenant's schema."""

from __future__ import annotations

from typing import Any

from adapters.postgres.rows import by_code, names, newest_first, places
from adapters.postgres.session import Session
from domain.billing.ids import CustomerId, InvoiceId, SubscriptionId
from domain.billing.invoice_errors import InvoiceNotFound, LegalEntityNotFound
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.legal_entity_model import LegalEntity
from domain.kernel.money import Money
from domain.kernel.pagination import Page

_ENTITY = ("code", "number_prefix", "revision", "created_at", "document")
_FIELDS = tuple(name for name in Invoice.model_fields if name != "due")
_INVOICE = (*_FIELDS, "currency", "total_minor", "due_minor")
_CHANGING = tuple(name for name in _INVOICE if name != "id")


class PostgresLegalEntities:
    """See `domain.billing.ports.LegalEntities`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, entity: LegalEntity) -> bool:
        """Insert; False if there is one with its code or number prefix."""
        added = await self._sql.fetchval(
            f"INSERT INTO billing_legal_entity ({names(_ENTITY)}) VALUES ({places(_ENTITY)}) "
            "ON CONFLICT DO NOTHING RETURNING true",
            *_entity_values(entity),
        )
        return bool(added)

    async def put(self, entity: LegalEntity) -> bool:
        """Replace the revision before this one, unless another has its number prefix."""
        changed = await self._sql.fetchval(
            f"UPDATE billing_legal_entity SET ({names(_ENTITY)}) = ({places(_ENTITY)}) WHERE code = $1 "
            "AND revision = $3 - 1 AND NOT EXISTS "
            "(SELECT FROM billing_legal_entity WHERE number_prefix = $2 AND code <> $1) RETURNING true",
            *_entity_values(entity),
        )
        return bool(changed)

    async def get(self, code: str) -> LegalEntity:
        """Raises LegalEntityNotFound."""
        row = await self._sql.fetchrow("SELECT document FROM billing_legal_entity WHERE code = $1", code)
        if row is None:
            raise LegalEntityNotFound(legal_entity=code)
        return _entity(row)

    async def selling(self, code: str | None) -> LegalEntity | None:
        """This one, or the first."""
        row = await self._sql.fetchrow(
            "SELECT document FROM billing_legal_entity WHERE $1::text IS NULL OR code = $1 "
            "ORDER BY created_at, code LIMIT 1",
            code,
        )
        return _entity(row) if row else None

    async def page(self, *, cursor: str | None, limit: int) -> Page[LegalEntity]:
        """By code."""
        every = "SELECT code, document FROM billing_legal_entity"
        return await by_code(self._session, every, _entity, cursor=cursor, limit=limit)


class PostgresInvoices:
    """See `domain.billing.ports.Invoices`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def hold(self, invoice_id: InvoiceId) -> Invoice:
        """Locked until the transaction ends. Raises InvoiceNotFound."""
        return await self._one(invoice_id, "FOR UPDATE")

    async def get(self, invoice_id: InvoiceId) -> Invoice:
        """Raises InvoiceNotFound."""
        return await self._one(invoice_id)

    async def put(self, invoice: Invoice) -> None:
        """Insert or replace."""
        known = {
            **dict(invoice),
            "content": invoice.content.model_dump(mode="json"),
            "currency": invoice.content.currency,
            "total_minor": invoice.content.total.minor,
            "due_minor": invoice.due.minor,
        }
        await self._sql.execute(
            f"INSERT INTO billing_invoice ({names(_INVOICE)}) VALUES ({places(_INVOICE)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(_CHANGING)}) = ({names(_CHANGING, 'excluded.')})",
            *(known[name] for name in _INVOICE),
        )

    async def number(self, prefix: str, year: int) -> int:
        """The next one; whoever else asks waits until the transaction ends."""
        number: int = await self._sql.fetchval(
            "INSERT INTO billing_invoice_number VALUES ($1, $2, 1) ON CONFLICT (prefix, year) "
            "DO UPDATE SET last = billing_invoice_number.last + 1 RETURNING last",
            prefix,
            year,
        )
        return number

    async def page(
        self,
        customer: CustomerId | None,
        subscription: SubscriptionId | None,
        status: InvoiceStatus | None,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[Invoice]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_invoice",
            _invoice,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR subscription_id = $2) "
            "AND ($3::text IS NULL OR status = $3)",
            values=(customer, subscription, status),
            cursor=cursor,
            limit=limit,
        )

    async def _one(self, invoice_id: InvoiceId, lock: str = "") -> Invoice:
        row = await self._sql.fetchrow(f"SELECT * FROM billing_invoice WHERE id = $1 {lock}", invoice_id)
        if row is None:
            raise InvoiceNotFound
        return _invoice(row)


def _entity_values(entity: LegalEntity) -> tuple[object, ...]:
    document = entity.model_dump(mode="json")
    return (entity.code, entity.number_prefix, entity.revision, entity.created_at, document)


def _entity(row: Any) -> LegalEntity:
    return LegalEntity.model_validate(row["document"])


def _invoice(row: Any) -> Invoice:
    due = Money(minor=row["due_minor"], currency=row["currency"])
    return Invoice(**{name: row[name] for name in _FIELDS}, due=due)
