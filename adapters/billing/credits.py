"""What customers have to spend, in the tenant's schema."""

from __future__ import annotations

from typing import Any

from adapters.postgres.rows import names, newest_first, places
from adapters.postgres.session import Session
from domain.billing.credit_errors import CreditGrantNotFound
from domain.billing.credit_model import CreditGrant, CreditUse, GrantStatus
from domain.billing.ids import CreditGrantId, CustomerId, InvoiceId
from domain.kernel.money import Money
from domain.kernel.pagination import Page

_PLAIN = tuple(name for name in CreditGrant.model_fields if name not in {"amount", "remaining"})
_GRANT = (*_PLAIN, "currency", "amount_minor", "remaining_minor")
_USE = ("credit_grant_id", "invoice_id", "currency", "amount_minor", "used_at")


class PostgresCredits:
    """See `domain.billing.ports.Credits`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def open_of(self, customer: CustomerId, *, hold: bool) -> list[CreditGrant]:
        """The customer's that are pending or active, in the order in which all lock them."""
        return await self._all(
            f"customer_id = $1 AND status IN ('pending', 'active') ORDER BY id {'FOR UPDATE' if hold else ''}", customer
        )

    async def bought_by(self, invoice_id: InvoiceId) -> list[CreditGrant]:
        """Those that this invoice is for, locked."""
        return await self._all("invoice_id = $1 ORDER BY id FOR UPDATE", invoice_id)

    async def hold(self, credit_grant_id: CreditGrantId) -> CreditGrant:
        """Locked until the transaction ends. Raises CreditGrantNotFound."""
        return await self._one(credit_grant_id, "FOR UPDATE")

    async def get(self, credit_grant_id: CreditGrantId) -> CreditGrant:
        """Raises CreditGrantNotFound."""
        return await self._one(credit_grant_id)

    async def put(self, grant: CreditGrant) -> None:
        """Insert or replace."""
        changing = ("status", "remaining_minor", "closed_at", "reason", "revision")
        known = {
            **dict(grant),
            "currency": grant.amount.currency,
            "amount_minor": grant.amount.minor,
            "remaining_minor": grant.remaining.minor,
        }
        await self._sql.execute(
            f"INSERT INTO billing_credit_grant ({names(_GRANT)}) VALUES ({places(_GRANT)}) ON CONFLICT (id) "
            f"DO UPDATE SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *(known[name] for name in _GRANT),
        )

    async def use(self, use: CreditUse) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO billing_credit_use ({names(_USE)}) VALUES ({places(_USE)}) "
            "ON CONFLICT (credit_grant_id, invoice_id) DO UPDATE SET amount_minor = excluded.amount_minor",
            use.credit_grant_id,
            use.invoice_id,
            use.amount.currency,
            use.amount.minor,
            use.used_at,
        )

    async def uses_of(self, invoice_id: InvoiceId) -> list[CreditUse]:
        """What this invoice was paid with."""
        return await self._uses("invoice_id = $1 ORDER BY credit_grant_id", invoice_id)

    async def uses(self, credit_grant_id: CreditGrantId) -> list[CreditUse]:
        """What this grant was used for, oldest first."""
        return await self._uses("credit_grant_id = $1 ORDER BY used_at, invoice_id", credit_grant_id)

    async def page(
        self, customer: CustomerId | None, status: GrantStatus | None, *, cursor: str | None, limit: int
    ) -> Page[CreditGrant]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_credit_grant",
            _grant,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(customer, status),
            cursor=cursor,
            limit=limit,
        )

    async def _one(self, credit_grant_id: CreditGrantId, lock: str = "") -> CreditGrant:
        found = await self._all(f"id = $1 {lock}", credit_grant_id)
        if not found:
            raise CreditGrantNotFound
        return found[0]

    async def _all(self, where: str, value: str) -> list[CreditGrant]:
        return [
            _grant(row) for row in await self._sql.fetch(f"SELECT * FROM billing_credit_grant WHERE {where}", value)
        ]

    async def _uses(self, where: str, value: str) -> list[CreditUse]:
        rows = await self._sql.fetch(f"SELECT * FROM billing_credit_use WHERE amount_minor > 0 AND {where}", value)
        return [
            CreditUse(**dict(row), amount=Money(minor=row["amount_minor"], currency=row["currency"])) for row in rows
        ]


def _grant(row: Any) -> CreditGrant:
    money = {name: Money(minor=row[f"{name}_minor"], currency=row["currency"]) for name in ("amount", "remaining")}
    return CreditGrant(**{name: row[name] for name in _PLAIN}, **money)
