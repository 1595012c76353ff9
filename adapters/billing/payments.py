"""Payments and payment methods in the tenant's schema."""

from __future__ import annotations

from typing import Any

from adapters.postgres.rows import hold, names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.billing.events import Provider
from domain.billing.ids import CustomerId, InvoiceId, PaymentId, PaymentMethodId
from domain.billing.payment_errors import PaymentMethodNotFound, PaymentNotFound
from domain.billing.payment_model import LIVE, Payment, PaymentStatus, SavedPaymentMethod
from domain.kernel.money import Money
from domain.kernel.pagination import Page

_METHOD = tuple(SavedPaymentMethod.model_fields)
_MONEY = ("amount", "refunded", "withdrawn")
_PLAIN = tuple(name for name in Payment.model_fields if name not in _MONEY)
_PAYMENT = (*_PLAIN, "currency", *(f"{name}_minor" for name in _MONEY))
_LIVE = ", ".join(f"'{status}'" for status in LIVE)


class PostgresPayments:
    """See `domain.billing.payment_ports.Payments`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def method(self, method_id: PaymentMethodId, *, removed: bool = False) -> SavedPaymentMethod:
        """removed: even if it was. Raises PaymentMethodNotFound."""
        row = await self._sql.fetchrow(
            "SELECT * FROM billing_payment_method WHERE id = $1 AND ($2 OR removed_at IS NULL)", method_id, removed
        )
        if row is None:
            raise PaymentMethodNotFound
        return SavedPaymentMethod(**dict(row))

    async def methods_of(self, customer: CustomerId) -> list[SavedPaymentMethod]:
        """Those that were not removed, newest first. Nobody else adds one until the transaction ends."""
        await hold(self._session, f"payment methods of {customer}")
        rows = await self._sql.fetch(
            "SELECT * FROM billing_payment_method WHERE customer_id = $1 AND removed_at IS NULL ORDER BY id DESC",
            customer,
        )
        return [SavedPaymentMethod(**dict(row)) for row in rows]

    async def default_method(self, customer: CustomerId) -> SavedPaymentMethod | None:
        """By which invoices are collected."""
        row = await self._sql.fetchrow(
            "SELECT * FROM billing_payment_method WHERE customer_id = $1 AND is_default", customer
        )
        return SavedPaymentMethod(**dict(row)) if row else None

    async def no_default(self, customer: CustomerId) -> None:
        """None of the customer's is."""
        await self._sql.execute(
            "UPDATE billing_payment_method SET is_default = false WHERE customer_id = $1 AND is_default", customer
        )

    async def put_method(self, method: SavedPaymentMethod) -> None:
        """Insert or replace."""
        changing = _METHOD[1:]
        await self._sql.execute(
            f"INSERT INTO billing_payment_method ({names(_METHOD)}) VALUES ({places(_METHOD)}) ON CONFLICT (id) "
            f"DO UPDATE SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *values_of(method, _METHOD),
        )

    async def is_busy(self, method_id: PaymentMethodId) -> bool:
        """Whether a payment by it is under way."""
        busy: bool = await self._sql.fetchval(
            f"SELECT EXISTS (SELECT FROM billing_payment WHERE method_id = $1 AND status IN ({_LIVE}))", method_id
        )
        return busy

    async def hold(self, payment_id: PaymentId) -> Payment:
        """Locked until the transaction ends. Raises PaymentNotFound."""
        return await self._one(payment_id, "FOR UPDATE")

    async def get(self, payment_id: PaymentId) -> Payment:
        """Raises PaymentNotFound."""
        return await self._one(payment_id)

    async def live(self, invoice_id: InvoiceId) -> Payment | None:
        """The one by which money may still move."""
        row = await self._sql.fetchrow(
            f"SELECT * FROM billing_payment WHERE invoice_id = $1 AND status IN ({_LIVE})", invoice_id
        )
        return _payment(row) if row else None

    async def succeeded(self, invoice_id: InvoiceId) -> Payment | None:
        """The one that has collected the invoice, locked until the transaction ends."""
        row = await self._sql.fetchrow(
            "SELECT * FROM billing_payment WHERE invoice_id = $1 AND status = 'succeeded' FOR UPDATE", invoice_id
        )
        return _payment(row) if row else None

    async def referred(self, provider: Provider, reference: str) -> Payment | None:
        """The one that the provider calls so."""
        row = await self._sql.fetchrow(
            "SELECT * FROM billing_payment WHERE provider = $1 AND reference = $2", provider, reference
        )
        return _payment(row) if row else None

    async def attempts(self, invoice_id: InvoiceId) -> int:
        """How many there were."""
        count: int = await self._sql.fetchval(
            "SELECT coalesce(max(attempt), 0) FROM billing_payment WHERE invoice_id = $1", invoice_id
        )
        return count

    async def put(self, payment: Payment) -> None:
        """Insert or replace."""
        changing = tuple(name for name in _PAYMENT if name != "id")
        known = {
            **dict(payment),
            "currency": payment.amount.currency,
            **{f"{name}_minor": getattr(payment, name).minor for name in _MONEY},
        }
        await self._sql.execute(
            f"INSERT INTO billing_payment ({names(_PAYMENT)}) VALUES ({places(_PAYMENT)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *(known[name] for name in _PAYMENT),
        )

    async def page(
        self,
        customer: CustomerId | None,
        invoice: InvoiceId | None,
        status: PaymentStatus | None,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[Payment]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_payment",
            _payment,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR invoice_id = $2) "
            "AND ($3::text IS NULL OR status = $3)",
            values=(customer, invoice, status),
            cursor=cursor,
            limit=limit,
        )

    async def first_told(self, provider: Provider, event_id: str) -> bool:
        """Whether this webhook had not been heard of; it has now."""
        first = await self._sql.fetchval(
            "INSERT INTO billing_provider_event (provider, id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true",
            provider,
            event_id,
        )
        return bool(first)

    async def _one(self, payment_id: PaymentId, lock: str = "") -> Payment:
        row = await self._sql.fetchrow(f"SELECT * FROM billing_payment WHERE id = $1 {lock}", payment_id)
        if row is None:
            raise PaymentNotFound
        return _payment(row)


def _payment(row: Any) -> Payment:
    money = {name: Money(minor=row[f"{name}_minor"], currency=row["currency"]) for name in _MONEY}
    return Payment(**{name: row[name] for name in _PLAIN}, **money)
