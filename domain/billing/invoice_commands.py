"""What billing can be asked to do about an invoice by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import InvoiceId
from domain.billing.progress import BooksProgress, Followed


class FollowInvoice(Followed):
    """See to it that an invoice becomes final, and is known to be overdue."""

    invoice_id: InvoiceId


class SettleInvoice(FollowInvoice):
    """Let everything happen that is due by now: the now of the process, which may be simulated."""

    now: datetime


class InvoiceProgress(BooksProgress):
    """Where its process stands."""

    number: str = ""
    total: str = ""
    due: str = ""
