"""The ledger in the tenant's schema."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from adapters.postgres.rows import names, newest_first
from adapters.postgres.session import Session
from domain.billing.ids import CustomerId, InvoiceId
from domain.billing.ledger_model import Account, AccountBalance, DeferredMonth, EntryKind, JournalEntry, Posting
from domain.kernel.money import Money
from domain.kernel.pagination import Page

_ENTRY = tuple(name for name in JournalEntry.model_fields if name != "postings")
_POSTING = ("entry_id", "number", "account", "currency", "amount_minor", "line_id")


class PostgresLedger:
    """See `domain.billing.ports.Ledger`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, entries: Sequence[JournalEntry]) -> None:
        """Insert, in one statement, after which the database looks whether they balance."""
        if not entries:
            return
        rows = [
            (entry.id, number, each.account, each.amount.currency, each.amount.minor, each.line_id)
            for entry in entries
            for number, each in enumerate(entry.postings, 1)
        ]
        await self._sql.execute(
            f"WITH entered AS (INSERT INTO billing_journal_entry ({names(_ENTRY)}) SELECT * FROM unnest($1::text[], "
            "$2::text[], $3::text[], $4::date[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[], "
            f"$10::text[])) INSERT INTO billing_posting ({names(_POSTING)}) SELECT * FROM unnest("
            "$11::text[], $12::int[], $13::text[], $14::text[], $15::bigint[], $16::text[])",
            *([getattr(entry, name) for entry in entries] for name in _ENTRY),
            *(list(column) for column in zip(*rows, strict=True)),
        )

    async def of_invoice(self, invoice_id: InvoiceId, kinds: Collection[EntryKind]) -> list[JournalEntry]:
        """The entries of these kinds about it, oldest first."""
        rows = await self._sql.fetch(
            "SELECT * FROM billing_journal_entry WHERE invoice_id = $1 AND kind = ANY ($2) ORDER BY id",
            invoice_id,
            list(kinds),
        )
        return await self._whole(rows)

    async def page(
        self, customer: CustomerId | None, invoice: InvoiceId | None, *, cursor: str | None, limit: int
    ) -> Page[JournalEntry]:
        """Newest first."""
        found: Page[Any] = await newest_first(
            self._session,
            "billing_journal_entry",
            dict,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR invoice_id = $2)",
            values=(customer, invoice),
            cursor=cursor,
            limit=limit,
        )
        return Page(items=await self._whole(found.items), next_cursor=found.next_cursor)

    async def balances(self, day: date) -> list[AccountBalance]:
        """Of every account, up to this day and with it."""
        rows = await self._sql.fetch(
            "SELECT legal_entity, account, currency, coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0) "
            "AS debits, -coalesce(sum(amount_minor) FILTER (WHERE amount_minor < 0), 0) AS credits "
            "FROM billing_posting JOIN billing_journal_entry ON id = entry_id WHERE day <= $1 "
            "GROUP BY legal_entity, account, currency ORDER BY legal_entity, currency, account",
            day,
        )
        return [
            AccountBalance(
                legal_entity=row["legal_entity"],
                account=row["account"],
                debits=Money(minor=int(row["debits"]), currency=row["currency"]),
                credits=Money(minor=int(row["credits"]), currency=row["currency"]),
                balance=Money(minor=int(row["debits"] - row["credits"]), currency=row["currency"]),
            )
            for row in rows
        ]

    async def deferred(self, first: date, last: date) -> list[DeferredMonth]:
        """What each month from that of `first` to that of `last` did to deferred revenue."""
        rows = await self._sql.fetch(
            """
            WITH moved AS (
                SELECT legal_entity, currency, date_trunc('month', day)::date AS month,
                    -sum(amount_minor) FILTER (WHERE kind <> $3) AS deferred,
                    sum(amount_minor) FILTER (WHERE kind = $3) AS recognized
                FROM billing_posting JOIN billing_journal_entry ON id = entry_id
                WHERE account = $4 AND day < date_trunc('month', $2::date) + interval '1 month'
                GROUP BY 1, 2, 3
            ), months AS (
                SELECT DISTINCT legal_entity, currency, generate_series(
                    date_trunc('month', $1::date), date_trunc('month', $2::date), interval '1 month'
                )::date AS month FROM moved
            )
            SELECT legal_entity, currency, months.month, coalesce(deferred, 0) AS deferred,
                coalesce(recognized, 0) AS recognized, coalesce((
                    SELECT sum(coalesce(before.deferred, 0) - coalesce(before.recognized, 0)) FROM moved AS before
                    WHERE before.legal_entity = months.legal_entity AND before.currency = months.currency
                    AND before.month < months.month
                ), 0) AS opening
            FROM months LEFT JOIN moved USING (legal_entity, currency, month)
            ORDER BY legal_entity, currency, month
            """,
            first,
            last,
            EntryKind.REVENUE_RECOGNIZED,
            Account.DEFERRED_REVENUE,
        )
        return [_deferred(row) for row in rows]

    async def _whole(self, entries: Sequence[Any]) -> list[JournalEntry]:
        """With their postings."""
        rows = await self._sql.fetch(
            "SELECT * FROM billing_posting WHERE entry_id = ANY ($1) ORDER BY entry_id, number",
            [entry["id"] for entry in entries],
        )
        postings: dict[str, list[Posting]] = defaultdict(list)
        for row in rows:
            amount = Money(minor=row["amount_minor"], currency=row["currency"])
            postings[row["entry_id"]].append(Posting(account=row["account"], amount=amount, line_id=row["line_id"]))
        return [JournalEntry(**dict(entry), postings=tuple(postings[entry["id"]])) for entry in entries]


def _deferred(row: Any) -> DeferredMonth:
    sums = {
        name: Money(minor=int(row[name]), currency=row["currency"]) for name in ("opening", "deferred", "recognized")
    }
    closing = sums["opening"] + sums["deferred"] - sums["recognized"]
    return DeferredMonth(legal_entity=row["legal_entity"], month=row["month"], **sums, closing=closing)
