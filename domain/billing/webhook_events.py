"""What billing announces of webhooks out."""

from pydantic import Field

from domain.billing.ids import WebhookDeliveryId, WebhookEndpointId
from domain.bus.event import Event, event
from domain.kernel.ids import TenantId


@event(
    "billing.webhook.queued",
    version="1.0.0",
    source="billing",
    subject="endpoint_id",
    consumers=("automation",),
)
class WebhookQueued(Event):
    """There is something to send to an endpoint, or it is to be looked at otherwise: its process does it."""

    tenant_id: TenantId
    endpoint_id: WebhookEndpointId


@event(
    "billing.webhook.tested",
    version="1.0.0",
    source="billing",
    subject="endpoint_id",
    consumers=("billing",),
)
class WebhookTested(Event):
    """Somebody wants to see a message arrive at an endpoint."""

    tenant_id: TenantId
    endpoint_id: WebhookEndpointId


@event(
    "billing.webhook.failed",
    version="1.0.0",
    source="billing",
    subject="endpoint_id",
    consumers=("notifications", "analytics"),
)
class WebhookFailed(Event):
    """A message was not taken in three days: nobody tries any more by itself."""

    tenant_id: TenantId
    endpoint_id: WebhookEndpointId
    delivery_id: WebhookDeliveryId
    event_type: str = Field(examples=["billing.invoice.paid"])
    attempts: int = Field(examples=[10])


@event(
    "billing.webhook.disabled",
    version="1.0.0",
    source="billing",
    subject="endpoint_id",
    consumers=("notifications",),
)
class WebhookDisabled(Event):
    """Nothing more is sent to an endpoint: it has taken nothing for days, or says that it is gone."""

    tenant_id: TenantId
    endpoint_id: WebhookEndpointId
    reason: str = Field(examples=["it answers 410 Gone"])
