"""What security announces about the erasure of tenants that are gone."""

from pydantic import AwareDatetime, Field, NonNegativeInt

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.security.ids import ErasureId


@event(
    "security.erasure.requested",
    version="1.0.0",
    source="security",
    subject="erasure_id",
    consumers=("automation",),
)
class ErasureRequested(Event):
    """The data keys of a tenant that is gone will be destroyed."""

    tenant_id: TenantId
    erasure_id: ErasureId
    erase_at: AwareDatetime = Field(description="Until this instant it can be cancelled.")


@event(
    "security.erasure.closed",
    version="1.0.0",
    source="security",
    subject="erasure_id",
    consumers=("automation", "analytics"),
)
class ErasureClosed(Event):
    """They were destroyed, and what was encrypted under them is noise; or they are kept after all."""

    tenant_id: TenantId
    erasure_id: ErasureId
    outcome: str = Field(examples=["erased"])
    keys_destroyed: NonNegativeInt
