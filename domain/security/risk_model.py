"""The risk register: what may go wrong, how likely and how bad it is, and what is done about it (ISO 31000)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.ids import RiskId

LONGEST_PLAN = timedelta(days=365)


class RiskLevel(StrEnum):
    """What likelihood times impact comes to: 1 to 4, 5 to 9, 10 to 16, 17 to 25."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    CRITICAL = "critical"


DECIDE_WITHIN = {
    RiskLevel.LOW: timedelta(days=90),
    RiskLevel.MODERATE: timedelta(days=30),
    RiskLevel.HIGH: timedelta(days=7),
    RiskLevel.CRITICAL: timedelta(days=2),
}
"""How long it may take until somebody says what is to be done."""
APPROVED_BY_ANOTHER = frozenset({RiskLevel.HIGH, RiskLevel.CRITICAL})
"""To live with such a risk takes two."""


class RiskSource(StrEnum):
    """Who found it: a scan of our dependencies, or somebody."""

    VULNERABILITY = "vulnerability"
    MANUAL = "manual"


class RiskStatus(StrEnum):
    """open: nobody has decided. proposed: its acceptance waits for another's approval. planned: something is done.

    accepted: we live with it, until its review. closed: it is no more, or was none.
    """

    OPEN = "open"
    PROPOSED = "proposed"
    PLANNED = "planned"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class Treatment(StrEnum):
    """What is done about a risk (ISO/IEC 27005)."""

    MITIGATE = "mitigate"
    ACCEPT = "accept"
    TRANSFER = "transfer"
    AVOID = "avoid"


class Risk(Payload):
    """One risk. tenant_id: None if it is the platform's.

    likelihood and impact: 1 to 5, as they are without treatment; the residual ones are what the plan leaves.
    due_at: by when somebody has to decide, or the plan is to be done, or the acceptance to be looked at again.
    reference: what a scan knows it by; cvss and score: the vector behind it, and its base score.
    """

    id: RiskId
    tenant_id: TenantId | None
    title: str
    description: str
    source: RiskSource
    reference: str | None = None
    cvss: str | None = None
    score: float | None = None
    likelihood: int
    impact: int
    status: RiskStatus = RiskStatus.OPEN
    treatment: Treatment | None = None
    plan: str = ""
    assignee: str = ""
    residual_likelihood: int | None = None
    residual_impact: int | None = None
    proposed_by: str | None = None
    approved_by: str | None = None
    due_at: datetime
    overdue_at: datetime | None = None
    identified_at: datetime
    closed_at: datetime | None = None
    outcome: str | None = None

    @property
    def level(self) -> RiskLevel:
        """As it is without treatment."""
        return level_of(self.likelihood, self.impact)


def level_of(likelihood: int, impact: int) -> RiskLevel:
    """What the product of the two comes to."""
    product = likelihood * impact
    for at_least, level in ((17, RiskLevel.CRITICAL), (10, RiskLevel.HIGH), (5, RiskLevel.MODERATE)):
        if product >= at_least:
            return level
    return RiskLevel.LOW
