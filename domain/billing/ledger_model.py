"""The ledger: entries in double entry, never changed and never taken away."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import Field, model_validator

from domain.billing.ids import CreditGrantId, CustomerId, InvoiceId, JournalEntryId, LineId, PaymentId
from domain.kernel.money import Money
from domain.kernel.payload import Payload


class Account(StrEnum):
    """What is owed, held, earned and lost. A positive amount debits an account, a negative one credits it.

    receivable: what customers owe. bank: money that came by ways the platform does not see. stripe, paypal: money that
    a provider holds for the seller. deferred_revenue: invoiced, and not earned yet. bad_debt: owed, and not expected.
    refunds: what goes back by providers: owed by credit notes, and paid out; without a note, it lessens revenue.
    chargebacks: what disputes took from providers' accounts, and was not won again.
    customer_credit: what customers have with the seller, to spend. promotions: what gifts of credit cost.
    """

    RECEIVABLE = "receivable"
    BANK = "bank"
    STRIPE = "stripe"
    PAYPAL = "paypal"
    DEFERRED_REVENUE = "deferred_revenue"
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    BAD_DEBT = "bad_debt"
    REFUNDS = "refunds"
    CHARGEBACKS = "chargebacks"
    CUSTOMER_CREDIT = "customer_credit"
    PROMOTIONS = "promotions"


class EntryKind(StrEnum):
    """What an entry is for."""

    INVOICE_FINALIZED = "invoice_finalized"
    REVENUE_RECOGNIZED = "revenue_recognized"
    INVOICE_VOIDED = "invoice_voided"
    INVOICE_PAID = "invoice_paid"
    INVOICE_WRITTEN_OFF = "invoice_written_off"
    PAYMENT_REFUNDED = "payment_refunded"
    FUNDS_WITHDRAWN = "funds_withdrawn"
    FUNDS_REINSTATED = "funds_reinstated"
    WRITE_OFF_RECOVERED = "write_off_recovered"
    CREDIT_GIVEN = "credit_given"
    CREDIT_APPLIED = "credit_applied"
    CREDIT_RETURNED = "credit_returned"
    CREDIT_LAPSED = "credit_lapsed"
    CREDIT_NOTE_ISSUED = "credit_note_issued"
    CREDIT_OWED = "credit_owed"
    REFUND_OWED = "refund_owed"


class Posting(Payload):
    """An amount on an account: positive debits it, negative credits it. line_id: the invoice's line that it is for."""

    account: Account
    amount: Money
    line_id: LineId | None = None


class JournalEntry(Payload):
    """Postings that sum to nothing.

    day: the accounting date, where the legal entity is; revenue that is yet to be earned has entries ahead of time.
    reverses: the entry that this one undoes.
    """

    id: JournalEntryId
    kind: EntryKind
    legal_entity: str
    day: date
    booked_at: datetime
    customer_id: CustomerId
    invoice_id: InvoiceId | None
    payment_id: PaymentId | None = None
    reverses: JournalEntryId | None = None
    credit_grant_id: CreditGrantId | None = None
    postings: tuple[Posting, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _balanced(self) -> JournalEntry:
        sum_ = sum((posting.amount for posting in self.postings), Money(minor=0, currency=self.currency))
        if sum_:
            raise ValueError(f"a {self.kind} entry is off by {sum_}")
        return self

    @property
    def currency(self) -> str:
        """The one of all its postings."""
        return self.postings[0].amount.currency


class AccountBalance(Payload):
    """An account's debits and credits up to a day, and their difference."""

    legal_entity: str
    account: Account
    debits: Money
    credits: Money
    balance: Money


class DeferredMonth(Payload):
    """What a month did to revenue that is not earned yet: opening + deferred - recognized = closing."""

    legal_entity: str
    month: date = Field(description="Its first day.")
    opening: Money
    deferred: Money
    recognized: Money
    closing: Money
