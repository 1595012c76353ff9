"""What security announces about personal data breaches."""

from pydantic import AwareDatetime, Field

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.security.ids import BreachId


@event(
    "security.breach.reported",
    version="1.0.0",
    source="security",
    subject="breach_id",
    consumers=("automation", "notifications"),
)
class BreachReported(Event):
    """Personal data was breached; the clock of Article 33 runs."""

    tenant_id: TenantId
    breach_id: BreachId
    due_at: AwareDatetime = Field(description="By when the supervisory authority has to be notified.")


@event(
    "security.breach.changed",
    version="1.0.0",
    source="security",
    subject="breach_id",
    consumers=("automation", "analytics"),
)
class BreachChanged(Event):
    """It was assessed again, somebody was told of it, or it was closed."""

    tenant_id: TenantId
    breach_id: BreachId
    change: str = Field(examples=["authority_notified"])


@event(
    "security.breach.deadline_missed",
    version="1.0.0",
    source="security",
    subject="breach_id",
    consumers=("notifications", "analytics"),
)
class BreachDeadlineMissed(Event):
    """72 hours are over, and nobody has recorded that the authority was notified."""

    tenant_id: TenantId
    breach_id: BreachId
    due_at: AwareDatetime
