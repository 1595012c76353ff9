"""What billing can be asked to do about a refund by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import RefundId
from domain.billing.progress import BooksProgress, Followed


class FollowRefund(Followed):
    """See to it that the outcome of a refund becomes known."""

    refund_id: RefundId


class DriveRefund(FollowRefund):
    """Send it, or ask what became of it, by the process's now, which may be simulated."""

    now: datetime


class RefundProgress(BooksProgress):
    """Where its process stands."""

    amount: str = ""
    attempt: int = 0
    reference: str = ""
    message: str = ""
