"""What security announces about the risks in a tenant's register."""

from pydantic import AwareDatetime, Field

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.security.ids import RiskId
from domain.security.risk_model import RiskLevel


@event("security.risk.identified", version="1.0.0", source="security", subject="risk_id", consumers=("automation",))
class RiskIdentified(Event):
    """Something may go wrong; somebody has to decide what is done about it."""

    tenant_id: TenantId
    risk_id: RiskId
    level: RiskLevel
    decide_by: AwareDatetime


@event(
    "security.risk.changed",
    version="1.0.0",
    source="security",
    subject="risk_id",
    consumers=("automation", "analytics"),
)
class RiskChanged(Event):
    """It was assessed again, a treatment was planned, proposed or approved, its acceptance ended, or it was closed."""

    tenant_id: TenantId
    risk_id: RiskId
    change: str = Field(examples=["planned"])


@event(
    "security.risk.overdue",
    version="1.0.0",
    source="security",
    subject="risk_id",
    consumers=("notifications", "analytics"),
)
class RiskOverdue(Event):
    """Nobody has decided in time, or a plan was not done by its date."""

    tenant_id: TenantId
    risk_id: RiskId
    due_at: AwareDatetime
