"""What goes into the ledger when an invoice becomes final, is paid, voided or written off.

Revenue is earned evenly over the time that a line is for, month by month where the legal entity is (IFRS 15, paragraphs
39 to 45: time elapsed as the measure of progress). What an invoice charges ahead of that is deferred, and the entries
that earn it are written at once, dated with the days on which they count: nothing has to run for revenue to be
recognized. A credit for what is left of a period has the same dates with the opposite sign, so both meet at nothing.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.billing.ids import CreditGrantId, CustomerId, InvoiceId, JournalEntryId, LineId, PaymentId
from domain.billing.ledger_model import Account, EntryKind, JournalEntry, Posting
from domain.kernel.money import Money
from domain.kernel.ports import Ids

_TICK = timedelta(microseconds=1)


class Charged(NamedTuple):
    """What a line of an invoice is for: its net amount, earned from start to end (at once, if they are the same).

    is_credit: it is not earned, but owed to the customer, who has bought credit.
    """

    line: LineId
    net: Money
    start: datetime
    end: datetime
    is_credit: bool = False


class Part(NamedTuple):
    """What of an amount is earned by a day."""

    day: date
    amount: Money


class Journal:
    """Entries about one invoice, or one customer's credit, made at one instant."""

    def __init__(
        self,
        ids: Ids,
        now: datetime,
        *,
        legal_entity: str,
        timezone: str,
        customer: CustomerId,
        invoice: InvoiceId | None,
    ) -> None:
        self._ids, self.now, self._timezone = ids, now, timezone
        self._legal_entity, self._customer, self._invoice = legal_entity, customer, invoice
        self.today = now.astimezone(ZoneInfo(timezone)).date()

    def finalized(self, lines: Iterable[Charged], tax: Money) -> list[JournalEntry]:
        """The customer owes it; of each line, what is earned later is deferred and earned on its days."""
        return self._charged(EntryKind.INVOICE_FINALIZED, list(lines), tax)

    def credit_note(self, lines: Iterable[Charged], tax: Money) -> list[JournalEntry]:
        """The customer owes it no more: what of it was not earned yet never is, what was is undone today.

        The lines' amounts are negative; `tax` is not.
        """
        return self._charged(EntryKind.CREDIT_NOTE_ISSUED, list(lines), -tax)

    def _charged(self, kind: EntryKind, charged: list[Charged], tax: Money) -> list[JournalEntry]:
        later: dict[date, list[Posting]] = defaultdict(list)
        first: list[Posting] = []
        for line in charged:
            if line.is_credit:
                first += self._on(Account.CUSTOMER_CREDIT, -line.net, line.line)
                continue
            parts = list(earned(line, self._timezone))
            ahead = [part for part in parts if part.day > self.today and part.amount]
            now = line.net - sum((part.amount for part in ahead), line.net.of(minor=0))
            first += self._on(Account.REVENUE, -now, line.line)
            first += self._on(Account.DEFERRED_REVENUE, now - line.net, line.line)
            for part in ahead:
                later[part.day] += self._on(Account.DEFERRED_REVENUE, part.amount, line.line)
                later[part.day] += self._on(Account.REVENUE, -part.amount, line.line)
        first += self._on(Account.TAX_PAYABLE, -tax)
        owed = tax + sum((line.net for line in charged), tax.of(minor=0))
        first += self._on(Account.RECEIVABLE, owed)
        entries = [self._entry(kind, self.today, first)] if first else []
        return entries + [self._entry(EntryKind.REVENUE_RECOGNIZED, day, later[day]) for day in sorted(later)]

    def reversed(self, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        """As if these had never been: what has counted is undone today, what would count later on its own day."""
        return [
            self._entry(
                EntryKind.INVOICE_VOIDED if entry.kind is EntryKind.INVOICE_FINALIZED else entry.kind,
                max(entry.day, self.today),
                [posting.model_copy(update={"amount": -posting.amount}) for posting in entry.postings],
                reverses=entry.id,
            )
            for entry in entries
        ]

    def paid(
        self, amount: Money, into: Account, *, payment: PaymentId | None = None, recovered: bool = False
    ) -> list[JournalEntry]:
        """Money came. recovered: of an invoice that was written off."""
        kind = EntryKind.WRITE_OFF_RECOVERED if recovered else EntryKind.INVOICE_PAID
        owed = Account.BAD_DEBT if recovered else Account.RECEIVABLE
        return self._moved(kind, amount, into, owed, payment=payment)

    def written_off(self, amount: Money) -> list[JournalEntry]:
        """Nobody expects that it will be paid."""
        return self._moved(EntryKind.INVOICE_WRITTEN_OFF, amount, Account.BAD_DEBT, Account.RECEIVABLE)

    def refunded(self, amount: Money, out_of: Account, *, payment: PaymentId) -> list[JournalEntry]:
        """Money went back to the customer."""
        return self._moved(EntryKind.PAYMENT_REFUNDED, amount, Account.REFUNDS, out_of, payment=payment)

    def withdrawn(self, amount: Money, out_of: Account, *, payment: PaymentId) -> list[JournalEntry]:
        """A dispute took the money, which is a cost for as long as it is not won; a negative amount is won again."""
        if amount.minor < 0:
            return self._moved(EntryKind.FUNDS_REINSTATED, -amount, out_of, Account.CHARGEBACKS, payment=payment)
        return self._moved(EntryKind.FUNDS_WITHDRAWN, amount, Account.CHARGEBACKS, out_of, payment=payment)

    def credit_due(self, amount: Money, *, grant: CreditGrantId) -> list[JournalEntry]:
        """What a credit note gives back, the customer has to spend."""
        return self._moved(EntryKind.CREDIT_OWED, amount, Account.RECEIVABLE, Account.CUSTOMER_CREDIT, grant=grant)

    def refund_due(self, amount: Money) -> list[JournalEntry]:
        """What a credit note gives back, a provider is to pay out."""
        return self._moved(EntryKind.REFUND_OWED, amount, Account.RECEIVABLE, Account.REFUNDS)

    def refund_credited(self, amount: Money, *, grant: CreditGrantId) -> list[JournalEntry]:
        """The provider could not pay it out, so the customer has it to spend."""
        return self._moved(EntryKind.CREDIT_OWED, amount, Account.REFUNDS, Account.CUSTOMER_CREDIT, grant=grant)

    def credit_given(self, amount: Money, *, grant: CreditGrantId) -> list[JournalEntry]:
        """The customer has it to spend, as a gift."""
        return self._moved(EntryKind.CREDIT_GIVEN, amount, Account.PROMOTIONS, Account.CUSTOMER_CREDIT, grant=grant)

    def credit_applied(self, amount: Money) -> list[JournalEntry]:
        """The customer has spent it on the invoice."""
        return self._moved(EntryKind.CREDIT_APPLIED, amount, Account.CUSTOMER_CREDIT, Account.RECEIVABLE)

    def credit_returned(self, amount: Money) -> list[JournalEntry]:
        """The invoice is void, so it was not spent."""
        return self._moved(EntryKind.CREDIT_RETURNED, amount, Account.RECEIVABLE, Account.CUSTOMER_CREDIT)

    def credit_lapsed(self, amount: Money, *, given: bool, grant: CreditGrantId) -> list[JournalEntry]:
        """Nobody can spend it any more: a gift costs nothing then, and what was paid for is earned."""
        earned_by = Account.PROMOTIONS if given else Account.REVENUE
        return self._moved(EntryKind.CREDIT_LAPSED, amount, Account.CUSTOMER_CREDIT, earned_by, grant=grant)

    def _moved(
        self,
        kind: EntryKind,
        amount: Money,
        debit: Account,
        credit: Account,
        *,
        payment: PaymentId | None = None,
        grant: CreditGrantId | None = None,
    ) -> list[JournalEntry]:
        if not amount:
            return []
        postings = [Posting(account=debit, amount=amount), Posting(account=credit, amount=-amount)]
        return [self._entry(kind, self.today, postings, payment_id=payment, credit_grant_id=grant)]

    def _entry(
        self,
        kind: EntryKind,
        day: date,
        postings: Sequence[Posting],
        *,
        payment_id: PaymentId | None = None,
        credit_grant_id: CreditGrantId | None = None,
        reverses: JournalEntryId | None = None,
    ) -> JournalEntry:
        return JournalEntry(
            id=self._ids(JournalEntryId),
            kind=kind,
            legal_entity=self._legal_entity,
            day=day,
            booked_at=self.now,
            customer_id=self._customer,
            invoice_id=self._invoice,
            payment_id=payment_id,
            credit_grant_id=credit_grant_id,
            reverses=reverses,
            postings=tuple(postings),
        )

    @staticmethod
    def _on(account: Account, amount: Money, line: LineId | None = None) -> list[Posting]:
        return [Posting(account=account, amount=amount, line_id=line)] if amount else []


def earned(line: Charged, timezone: str) -> Iterator[Part]:
    """The line's net amount, shared by time among the months that it is for, losing nothing."""
    zone = ZoneInfo(timezone)
    if line.start >= line.end:
        yield Part(line.end.astimezone(zone).date(), line.net)
        return
    before = line.net.of(minor=0)
    for end in _month_ends(line.start, line.end, zone):
        # Rounded at the end of each month, so no month is off by more than a minor unit, nor are many together.
        by_then = line.net.times(Fraction((end - line.start) // _TICK, (line.end - line.start) // _TICK))
        yield Part((end - _TICK).astimezone(zone).date(), by_then - before)
        before = by_then


def _month_ends(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Where the months end that the time touches, the last one with the time."""
    day = start.astimezone(zone).date()
    while True:
        day = day.replace(day=calendar.monthrange(day.year, day.month)[1]) + timedelta(days=1)
        month_end = datetime.combine(day, time(), zone).astimezone(UTC)
        if month_end >= end:
            yield end
            return
        yield month_end
