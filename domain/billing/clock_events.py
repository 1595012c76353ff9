"""What billing announces of test clocks."""

from pydantic import AwareDatetime, Field

from domain.billing.ids import ClockId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId


@event(
    "billing.clock.advance_requested",
    version="1.0.0",
    source="billing",
    subject="clock_id",
    consumers=("automation",),
)
class ClockAdvanceRequested(Event):
    """Time is to go by for the clock's customers."""

    tenant_id: TenantId
    clock_id: ClockId
    to: AwareDatetime = Field(description="What the clock is to show.")


@event(
    "billing.clock.advanced",
    version="1.0.0",
    source="billing",
    subject="clock_id",
    consumers=("analytics",),
)
class ClockAdvanced(Event):
    """Everything has happened to the clock's customers that was due by then."""

    tenant_id: TenantId
    clock_id: ClockId
    to: AwareDatetime = Field(description="What the clock shows.")
