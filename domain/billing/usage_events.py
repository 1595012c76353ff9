"""What billing announces of usage, besides thresholds."""

from pydantic import Field

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId


@event(
    "billing.usage.recorded",
    version="1.0.0",
    source="billing",
    subject="tenant_id",
    consumers=("billing",),
    telemetry=True,
)
class UsageRecorded(Event):
    """A batch of usage was kept that somebody wants to be told of; `billing.usage.threshold` follows from it."""

    tenant_id: TenantId
    subjects: tuple[str, ...] = Field(description="As the batch names its customers.", examples=[["C-2041"]])
