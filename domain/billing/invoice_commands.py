"""What billing can be asked to do about an invoice by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import InvoiceId
from domain.billing.progress import BooksProgress
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload


class FollowInvoice(Payload):
    """See to it that an invoice becomes final, and is known to be overdue."""

    tenant_id: TenantId
    invoice_id: InvoiceId


class SettleInvoice(FollowInvoice):
    """Let everything happen that is due by now: the now of the process, which may be simulated."""

    now: datetime


class InvoiceProgress(BooksProgress):
    """Where its process stands."""

    number: str = ""
    total: str = ""
