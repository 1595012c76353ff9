"""What billing asks of the database about invoices, and what follows them: dunning, and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Protocol

from domain.billing.dunning_model import DunningCase, DunningPolicy, DunningStatus
from domain.billing.ids import (
    CustomerId,
    InvoiceId,
    SubscriptionId,
)
from domain.billing.invoice_model import Invoice, InvoiceStatus
from domain.billing.ledger_model import AccountBalance, DeferredMonth, EntryKind, JournalEntry
from domain.kernel.pagination import Page


class Invoices(Protocol):
    """Invoices."""

    async def hold(self, invoice_id: InvoiceId) -> Invoice:
        """The invoice, which nobody else changes until the transaction ends. Raises InvoiceNotFound."""
        ...

    async def get(self, invoice_id: InvoiceId) -> Invoice:
        """Raises InvoiceNotFound."""
        ...

    async def put(self, invoice: Invoice) -> None:
        """Insert or replace. The database refuses another content or number once it has one."""
        ...

    async def number(self, prefix: str, year: int) -> int:
        """The next one, from 1, without a gap: it is taken back if the transaction is."""
        ...

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
        ...


class Ledger(Protocol):
    """Entries in double entry, which are only ever added."""

    async def add(self, entries: Sequence[JournalEntry]) -> None:
        """Insert. The database refuses what does not balance."""
        ...

    async def of_invoice(self, invoice_id: InvoiceId, kinds: Collection[EntryKind]) -> list[JournalEntry]:
        """The entries of these kinds about it, oldest first."""
        ...

    async def page(
        self, customer: CustomerId | None, invoice: InvoiceId | None, *, cursor: str | None, limit: int
    ) -> Page[JournalEntry]:
        """Newest first."""
        ...

    async def balances(self, day: date) -> list[AccountBalance]:
        """Of every account, up to this day and with it."""
        ...

    async def deferred(self, first: date, last: date) -> list[DeferredMonth]:
        """What each month from that of `first` to that of `last` did to deferred revenue."""
        ...


class Dunning(Protocol):
    """What is done about invoices that could not be collected."""

    async def policy(self) -> DunningPolicy:
        """The tenant's, or the built-in one."""
        ...

    async def put_policy(self, policy: DunningPolicy) -> bool:
        """Replace the revision before this one; False if that is not there any more."""
        ...

    async def find(self, invoice_id: InvoiceId) -> DunningCase | None:
        """The case, if there is or was one."""
        ...

    async def hold(self, invoice_id: InvoiceId) -> DunningCase:
        """The case, which nobody else changes until the transaction ends. Raises DunningCaseNotFound."""
        ...

    async def suspended(self, customer: CustomerId) -> set[SubscriptionId]:
        """The customer's subscriptions that are suspended until they are paid for."""
        ...

    async def open_of(self, customer: CustomerId) -> list[InvoiceId]:
        """The customer's invoices about which something is done."""
        ...

    async def put(self, case: DunningCase) -> None:
        """Insert or replace."""
        ...

    async def page(
        self, customer: CustomerId | None, status: DunningStatus | None, *, cursor: str | None, limit: int
    ) -> Page[DunningCase]:
        """Those of the newest invoices first."""
        ...
