"""What billing can be asked to do about a payment by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import PaymentId
from domain.billing.progress import BooksProgress, Followed


class FollowPayment(Followed):
    """See to it that the outcome of a payment becomes known."""

    payment_id: PaymentId


class DrivePayment(FollowPayment):
    """Send it, or ask what became of it, by the process's now, which may be simulated."""

    now: datetime


class PaymentProgress(BooksProgress):
    """Where its process stands."""

    amount: str = ""
    attempt: int = 0
    reference: str = ""
    decline_code: str = ""
