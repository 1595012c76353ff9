"""What billing can be asked to do about an invoice by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import InvoiceId
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.commands import Progress


class FollowInvoice(Payload):
    """See to it that an invoice becomes final, and is known to be overdue."""

    tenant_id: TenantId
    invoice_id: InvoiceId


class SettleInvoice(FollowInvoice):
    """Let everything happen that is due by now: the now of the process, which may be simulated."""

    now: datetime


class InvoiceProgress(Progress):
    """Where its process stands: `next` happens at `next_at`, because of `why`, unless somebody acts before."""

    why: str = ""
    number: str = ""
    total: str = ""
    over: bool = False
