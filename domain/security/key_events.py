"""What security announces about bringing things under another key."""

from pydantic import Field, NonNegativeInt

from domain.bus.event import Event, event
from domain.kernel.ids import TenantId
from domain.security.ids import ReencryptionId


@event(
    "security.reencryption.requested",
    version="1.0.0",
    source="security",
    subject="reencryption_id",
    consumers=("automation",),
)
class ReencryptionRequested(Event):
    """Everything of a tenant's at rest is to be brought under its new key."""

    tenant_id: TenantId
    reencryption_id: ReencryptionId
    scope: str = Field(examples=["data_key"])
    key_id: str = Field(
        description="The key that everything is to be under.", examples=["dek_01h455vb4pex5vsknk084sn02q"]
    )
    total: NonNegativeInt


@event(
    "security.reencryption.completed",
    version="1.0.0",
    source="security",
    subject="reencryption_id",
    consumers=("automation", "analytics"),
)
class ReencryptionCompleted(Event):
    """Nothing at rest is under another key than this one any more: it was counted."""

    tenant_id: TenantId | None = Field(description="Null for what no tenant owns.")
    reencryption_id: ReencryptionId
    scope: str = Field(examples=["data_key"])
    key_id: str = Field(examples=["dek_01h455vb4pex5vsknk084sn02q"])
    done: NonNegativeInt
