"""What billing can be asked to do about dunning, by a process and by people."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.billing.dunning_model import Reminder
from domain.billing.ids import InvoiceId
from domain.billing.progress import BooksProgress, Followed


class FollowDunning(Followed):
    """See to it that every step is done when it is due."""

    invoice_id: InvoiceId


class SettleDunning(FollowDunning):
    """Let everything happen that is due by the process's now. reminded: the step whose reminder was sent, and how."""

    now: datetime
    reminded: int | None = None
    how: str = ""


class Steer(StrEnum):
    """What people do with a case."""

    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    RETIME = "retime"
    APPROVE = "approve"
    STOP = "stop"


class SteerDunning(FollowDunning):
    """Do something else. step: which one, to skip, approve or re-time; at: when, or until when it is paused."""

    verb: Steer
    step: int | None = None
    at: datetime | None = None
    reason: str = ""
    now: datetime | None = None


class DunningProgress(BooksProgress):
    """Where its process stands. reminder: what the process has to send before anything else."""

    decline: str = ""
    step: int = 0
    reminder: Reminder | None = None
