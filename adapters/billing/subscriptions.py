"""Customers' subscriptions, their history, and what they were charged, in the tenant's schema."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from adapters.postgres.rows import names, newest_first, places
from adapters.postgres.session import Session
from domain.billing.errors import SubscriptionNotFound
from domain.billing.ids import CreditNoteId, CustomerId, InvoiceId, SubscriptionId
from domain.billing.invoice_model import InvoiceLine
from domain.billing.subscription_model import (
    Accrual,
    Happening,
    Line,
    Subscription,
    SubscriptionRevision,
    SubscriptionStatus,
)
from domain.kernel.money import Money
from domain.kernel.pagination import Page, decode_cursor, encode_cursor

# What is looked for has a column; the rest of a subscription is one document.
_SUBSCRIPTION = ("id", "customer_id", "status", "plan_code", "next_step", "next_at", "revision", "document")
_CHANGING = _SUBSCRIPTION[1:]
_REVISION = tuple(SubscriptionRevision.model_fields)
_LINE = (
    *("id", "subscription_id", "customer_id", "key", "kind", "plan_code", "plan_version", "charge_code", "name"),
    "tax_category",
    *("period_start", "period_end", "quantity", "currency", "price_minor", "share", "amount_minor", "steps"),
    *("grouped_by", "occurred_at"),
)


class PostgresSubscriptions:
    """See `domain.billing.ports.Subscriptions`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def hold(self, subscription_id: SubscriptionId) -> Subscription:
        """Locked until the transaction ends. Raises SubscriptionNotFound."""
        return await self._one(subscription_id, "FOR UPDATE")

    async def get(self, subscription_id: SubscriptionId) -> Subscription:
        """Raises SubscriptionNotFound."""
        return await self._one(subscription_id)

    async def entitling(self, customer: CustomerId) -> list[Subscription]:
        """The customer's that run, trials with them, oldest first."""
        rows = await self._sql.fetch(
            "SELECT document FROM billing_subscription WHERE customer_id = $1 AND status IN ('active', 'trialing') "
            "ORDER BY id",
            customer,
        )
        return [_subscription(row) for row in rows]

    async def awaiting_method(self, customer: CustomerId) -> list[SubscriptionId]:
        """The customer's that wait for a payment method since their trial."""
        rows = await self._sql.fetch(
            "SELECT id FROM billing_subscription WHERE customer_id = $1 AND status = 'paused' "
            "AND (document ->> 'awaitsMethod')::boolean ORDER BY id",
            customer,
        )
        return [SubscriptionId(row["id"]) for row in rows]

    async def put(self, subscription: Subscription, step: Happening | None, revision: SubscriptionRevision) -> None:
        """Insert or replace, and add to its history."""
        items = [item.model_dump(mode="json") for item in revision.items]
        await self._sql.execute(
            f"WITH kept AS (INSERT INTO billing_subscription ({names(_SUBSCRIPTION)}) VALUES "
            f"({places(_SUBSCRIPTION)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(_CHANGING)}) = ({names(_CHANGING, 'excluded.')})) "
            f"INSERT INTO billing_subscription_revision (subscription_id, {names(_REVISION)}) "
            f"VALUES ($1, {places(_REVISION, before=len(_SUBSCRIPTION))})",
            subscription.id,
            subscription.customer_id,
            subscription.status,
            subscription.plan.plan_code,
            step.name if step else None,
            step.at if step else None,
            subscription.revision,
            subscription.model_dump(mode="json"),
            *(items if name == "items" else getattr(revision, name) for name in _REVISION),
        )

    async def revisions(
        self, subscription_id: SubscriptionId, *, cursor: str | None, limit: int
    ) -> Page[SubscriptionRevision]:
        """Newest first."""
        [before] = decode_cursor(cursor, int) if cursor else [None]
        rows = await self._sql.fetch(
            f"SELECT {names(_REVISION)} FROM billing_subscription_revision "
            "WHERE subscription_id = $1 AND ($2::bigint IS NULL OR revision < $2) ORDER BY revision DESC LIMIT $3",
            subscription_id,
            before,
            limit + 1,
        )
        more = len(rows) > limit
        return Page(
            items=[SubscriptionRevision(**dict(row)) for row in rows[:limit]],
            next_cursor=encode_cursor(rows[limit - 1]["revision"]) if more else None,
        )

    async def page(
        self, customer: CustomerId | None, status: SubscriptionStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Subscription]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_subscription",
            _subscription,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(customer, status),
            cursor=cursor,
            limit=limit,
        )

    async def _one(self, subscription_id: SubscriptionId, lock: str = "") -> Subscription:
        row = await self._sql.fetchrow(
            f"SELECT document FROM billing_subscription WHERE id = $1 {lock}", subscription_id
        )
        if row is None:
            raise SubscriptionNotFound
        return _subscription(row)


class PostgresLines:
    """See `domain.billing.ports.Lines`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, lines: Sequence[Line]) -> None:
        """Insert; the database refuses a key that a subscription has already."""
        await self._sql.executemany(
            f"INSERT INTO billing_line ({names(_LINE)}) VALUES ({places(_LINE)})", [_values(line) for line in lines]
        )

    async def page(self, subscription_id: SubscriptionId, *, cursor: str | None, limit: int) -> Page[Line]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_line",
            _line,
            where="subscription_id = $1",
            values=(subscription_id,),
            cursor=cursor,
            limit=limit,
        )

    async def uninvoiced(self, subscription_id: SubscriptionId) -> list[Line]:
        """Those that are on no invoice yet; locked until the transaction ends."""
        return await self._all(
            "subscription_id = $1 AND invoice_id IS NULL AND credit_note_id IS NULL ORDER BY id FOR UPDATE",
            subscription_id,
        )

    async def of_invoice(self, invoice_id: InvoiceId) -> list[Line]:
        """Those that an invoice is for."""
        return await self._all("invoice_id = $1 ORDER BY id", invoice_id)

    async def invoice(self, lines: Sequence[Line], invoice_id: InvoiceId) -> None:
        """They are on this invoice."""
        ids = [line.id for line in lines]
        await self._sql.execute("UPDATE billing_line SET invoice_id = $1 WHERE id = ANY ($2)", invoice_id, ids)

    async def credit(self, lines: Sequence[Line], note_id: CreditNoteId) -> None:
        """They are given back by this credit note."""
        ids = [line.id for line in lines]
        if ids:
            await self._sql.execute("UPDATE billing_line SET credit_note_id = $1 WHERE id = ANY ($2)", note_id, ids)

    async def discount(self, lines: Sequence[Line], told: Sequence[InvoiceLine]) -> None:
        """What an invoice takes off these lines."""
        ids = {line.key: line.id for line in lines}
        off = [(ids[each.key], sum(taken.amount.minor for taken in each.discounts)) for each in told if each.discounts]
        if off:
            await self._sql.executemany("UPDATE billing_line SET discount_minor = $2 WHERE id = $1", off)

    async def share_off(self, subscription_id: SubscriptionId, credit: Accrual) -> Fraction:
        """Which share was taken off the charge that this credit gives back a part of."""
        row = await self._sql.fetchrow(
            "SELECT discount_minor, amount_minor FROM billing_line WHERE subscription_id = $1 AND plan_code = $2 "
            "AND plan_version = $3 AND charge_code = $4 AND grouped_by = $5 AND period_end = $6 "
            "AND period_start <= $7 AND amount_minor > 0 ORDER BY period_start DESC, id DESC LIMIT 1",
            subscription_id,
            credit.plan_code,
            credit.plan_version,
            credit.charge_code,
            credit.group,
            credit.period_end,
            credit.period_start,
        )
        return Fraction(row["discount_minor"], row["amount_minor"]) if row else Fraction(0)

    async def release(self, invoice_id: InvoiceId) -> None:
        """What was on a draft waits for the next invoice."""
        await self._sql.execute("UPDATE billing_line SET invoice_id = NULL WHERE invoice_id = $1", invoice_id)

    async def _all(self, where: str, value: str) -> list[Line]:
        return [_line(row) for row in await self._sql.fetch(f"SELECT * FROM billing_line WHERE {where}", value)]


def _subscription(row: Any) -> Subscription:
    return Subscription.model_validate(row["document"])


def _values(line: Line) -> tuple[object, ...]:
    known = {
        **dict(line),
        "currency": line.amount.currency,
        "price_minor": line.price.minor,
        "amount_minor": line.amount.minor,
        "steps": [step.model_dump(mode="json") for step in line.steps],
        "grouped_by": line.group,
    }
    return tuple(known[name] for name in _LINE)


def _line(row: Any) -> Line:
    fields = dict(row)
    currency = fields.pop("currency")
    money = {name: Money(minor=fields.pop(f"{name}_minor"), currency=currency) for name in ("price", "amount")}
    return Line(**fields, **money, group=fields["grouped_by"])
