"""What security announces about threats after it has found them."""

from pydantic import Field

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.security.ids import ThreatId


@event(
    "security.threat.contained",
    version="1.0.0",
    source="security",
    subject="threat_id",
    consumers=("notifications", "analytics"),
)
class ThreatContained(Event):
    """What could be done about a threat was done."""

    tenant_id: TenantId | None = Field(description="Null if it is about no tenant, or about several.")
    threat_id: ThreatId
    done: tuple[str, ...] = Field(examples=[["ban_network"]])


@event(
    "security.threat.closed",
    version="1.0.0",
    source="security",
    subject="threat_id",
    consumers=("analytics",),
)
class ThreatClosed(Event):
    """Somebody has said what it was; or nothing more was seen for a week."""

    tenant_id: TenantId | None = Field(description="Null if it is about no tenant, or about several.")
    threat_id: ThreatId
    verdict: str = Field(examples=["resolved"])
