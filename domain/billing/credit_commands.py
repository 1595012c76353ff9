"""What billing can be asked to do about credits by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import CreditGrantId
from domain.billing.progress import BooksProgress, Followed


class FollowCreditGrant(Followed):
    """See to it that what is left of a grant expires in time."""

    credit_grant_id: CreditGrantId


class SettleCreditGrant(FollowCreditGrant):
    """Let it expire if its time is over by the process's now, which may be simulated."""

    now: datetime


class CreditGrantProgress(BooksProgress):
    """Where its process stands."""

    remaining: str = ""
