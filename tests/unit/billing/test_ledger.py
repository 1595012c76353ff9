"""The ledger: every entry balances, and revenue is earned over the time that it is for, to the minor unit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.billing.ids import CustomerId, InvoiceId, JournalEntryId, LineId
from domain.billing.ledger import Charged, Journal, Part, earned
from domain.billing.ledger_model import Account, EntryKind, JournalEntry, Posting
from domain.kernel.money import Money
from domain.kernel.ports import IdT

CUSTOMER = CustomerId("cus_01h455vb4pex5vsknk084sn02q")
INVOICE = InvoiceId("inv_01h455vb4pex5vsknk084sn02q")
LINE = LineId("lin_01h455vb4pex5vsknk084sn02q")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kolkata", "Australia/Lord_Howe")
instants = st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.tuples(instants, instants).map(sorted)


def ids() -> Any:
    numbers = count(1)

    def new(kind: type[IdT]) -> IdT:
        return kind.numbered(next(numbers))

    return new


def journal(now: datetime, timezone: str = "UTC") -> Journal:
    return Journal(ids(), now, legal_entity="de", timezone=timezone, customer=CUSTOMER, invoice=INVOICE)


def eur(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


def charged(net: int, start: datetime, end: datetime) -> Charged:
    return Charged(LINE, eur(net), start, end)


def on(entries: list[JournalEntry], account: Account, until: date = date.max) -> int:
    postings = (each for entry in entries if entry.day <= until for each in entry.postings)
    return sum(each.amount.minor for each in postings if each.account is account)


class TestEarned:
    def test_evenly_by_month_of_the_legal_entity(self) -> None:
        # Berlin's February begins at 23:00 UTC, so this is ten days of January and twenty of February.
        start = datetime(2026, 1, 21, 23, tzinfo=UTC)
        parts = list(earned(charged(3_000, start, start + timedelta(days=30)), "Europe/Berlin"))

        assert [Part(date(2026, 1, 31), eur(1_000)), Part(date(2026, 2, 20), eur(2_000))] == parts

    def test_what_comes_once_is_earned_on_its_day(self) -> None:
        at = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)

        assert [Part(date(2026, 4, 1), eur(99))] == list(earned(charged(99, at, at), "Europe/Berlin"))

    @given(st.integers(-(10**9), 10**9), spans, st.sampled_from(ZONES))
    def test_nothing_is_lost_and_days_go_forward(self, net: int, span: list[datetime], zone: str) -> None:
        parts = list(earned(charged(net, *span), zone))

        assert net == sum(part.amount.minor for part in parts)
        months = [(part.day.year, part.day.month) for part in parts]
        assert sorted(set(months)) == months


class TestFinalized:
    @given(st.lists(st.tuples(st.integers(-(10**7), 10**7), spans), max_size=6), st.integers(0, 10**6), instants)
    def test_balances_and_earns_every_minor_unit(
        self, lines: list[tuple[int, list[datetime]]], tax: int, now: datetime
    ) -> None:
        entries = journal(now).finalized([charged(net, *span) for net, span in lines], eur(tax))

        net = sum(net for net, _ in lines)
        assert [net + tax, -tax, -net, 0] == [
            on(entries, account)
            for account in (Account.RECEIVABLE, Account.TAX_PAYABLE, Account.REVENUE, Account.DEFERRED_REVENUE)
        ]
        assert all(entry.day > now.date() for entry in entries if entry.kind is EntryKind.REVENUE_RECOGNIZED)

    def test_defers_what_is_earned_later_and_earns_what_is_past(self) -> None:
        year = charged(12_000, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        past = charged(500, datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))

        entries = journal(datetime(2026, 1, 1, 1, tzinfo=UTC)).finalized([year, past], eur(2_375))

        assert [-12_000, -500] == [
            on(entries, account, date(2026, 1, 1)) for account in (Account.DEFERRED_REVENUE, Account.REVENUE)
        ]
        # 181 of 365 days.
        assert -500 - 5_951 == on(entries, Account.REVENUE, date(2026, 6, 30))
        assert 13 == len(entries)

    @given(st.integers(1, 10**7), spans, st.integers(0, 10**6))
    def test_a_credit_for_the_same_time_leaves_nothing(self, net: int, span: list[datetime], later: int) -> None:
        now = span[0] + timedelta(minutes=later)
        charge = journal(span[0]).finalized([charged(net, *span)], eur(0))
        credit = journal(now).finalized([charged(-net, *span)], eur(0))

        assert [0] * len(Account) == [on(charge + credit, account) for account in Account]

    @given(st.integers(1, 10**7), spans, st.integers(0, 10**6))
    def test_reversed_it_never_was(self, net: int, span: list[datetime], later: int) -> None:
        first = journal(span[0]).finalized([charged(net, *span)], eur(net // 5))
        voided = span[0] + timedelta(minutes=later)

        undone = journal(voided).reversed(first)

        assert [0] * len(Account) == [on(first + undone, account, voided.date()) for account in Account]
        assert [0] * len(Account) == [on(first + undone, account) for account in Account]


class TestJournalEntry:
    def test_that_does_not_balance_is_none(self) -> None:
        postings = [Posting(account=Account.BANK, amount=eur(2)), Posting(account=Account.RECEIVABLE, amount=eur(-1))]

        with pytest.raises(ValidationError, match=r"off by 0\.01 EUR"):
            JournalEntry(
                id=ids()(JournalEntryId),
                kind=EntryKind.INVOICE_PAID,
                legal_entity="de",
                day=date(2026, 1, 1),
                booked_at=datetime(2026, 1, 1, tzinfo=UTC),
                customer_id=CUSTOMER,
                invoice_id=INVOICE,
                postings=tuple(postings),
            )
