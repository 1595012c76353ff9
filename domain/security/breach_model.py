"""Personal data breaches, as the GDPR wants them documented (Articles 33 and 34)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.ids import BreachId

NOTIFY_WITHIN = timedelta(hours=72)
"""After having become aware of it (GDPR, Article 33(1))."""


class BreachRisk(StrEnum):
    """For the rights and freedoms of natural persons.

    unlikely: nobody has to be notified. likely: the supervisory authority. high: the people whose data it is as well.
    """

    UNLIKELY = "unlikely"
    LIKELY = "likely"
    HIGH = "high"


class Breach(Payload):
    """One breach, and what was done about it.

    aware_at starts the clock. nature, categories, subjects, consequences and measures are what Article 33(3) asks for,
    as far as it is known. delay_reason: why the authority was notified later than `due_at`.
    """

    id: BreachId
    tenant_id: TenantId
    title: str
    nature: str
    categories: tuple[str, ...] = ()
    subjects: int | None = None
    consequences: str = ""
    measures: str = ""
    risk: BreachRisk = BreachRisk.LIKELY
    aware_at: datetime
    due_at: datetime
    reported_at: datetime
    authority: str | None = None
    reference: str | None = None
    notified_at: datetime | None = None
    delay_reason: str | None = None
    subjects_told_at: datetime | None = None
    missed_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def waits_for_authority(self) -> bool:
        """Whether the authority has to be notified still."""
        return self.closed_at is None and self.notified_at is None and self.risk is not BreachRisk.UNLIKELY

    @property
    def waits_for_subjects(self) -> bool:
        """Whether the people whose data it is have to be told still."""
        return self.closed_at is None and self.subjects_told_at is None and self.risk is BreachRisk.HIGH
