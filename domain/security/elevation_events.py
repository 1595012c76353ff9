"""What security announces about access that somebody has for a while."""

from pydantic import AwareDatetime, Field

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId, UserId
from domain.security.ids import ElevationId


@event(
    "security.elevation.requested",
    version="1.0.0",
    source="security",
    subject="elevation_id",
    consumers=("automation", "notifications"),
)
class ElevationRequested(Event):
    """A member wants to be more than they are for a while, or has broken the glass and already is."""

    tenant_id: TenantId
    elevation_id: ElevationId
    user_id: UserId
    role: str = Field(examples=["admin"])
    break_glass: bool = Field(description="Whether nobody was asked first.")
    decide_by: AwareDatetime = Field(description="After this instant nobody can approve it.")


@event(
    "security.elevation.began",
    version="1.0.0",
    source="security",
    subject="elevation_id",
    consumers=("automation", "gateway", "analytics"),
)
class ElevationBegan(Event):
    """A member is more than they are, until it ends by itself."""

    tenant_id: TenantId
    elevation_id: ElevationId
    user_id: UserId
    role: str = Field(examples=["admin"])
    break_glass: bool
    expires_at: AwareDatetime


@event(
    "security.elevation.closed",
    version="1.0.0",
    source="security",
    subject="elevation_id",
    consumers=("automation", "gateway", "analytics"),
)
class ElevationClosed(Event):
    """It was denied, nobody decided, or it is over: the member is what they were."""

    tenant_id: TenantId
    elevation_id: ElevationId
    user_id: UserId
    outcome: str = Field(examples=["ended"])


@event(
    "security.elevation.reviewed",
    version="1.0.0",
    source="security",
    subject="elevation_id",
    consumers=("automation", "analytics"),
)
class ElevationReviewed(Event):
    """Somebody else has looked at what was done behind broken glass."""

    tenant_id: TenantId
    elevation_id: ElevationId
    reviewed_by: UserId
