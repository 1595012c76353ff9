"""A webhook endpoint as a process: what is queued for it is sent, and again ever later until it is taken."""

from __future__ import annotations

from temporalio import workflow

from activities.billing import BillingActivities
from activities.options import PROVIDER_CALL
from domain.billing.ids import WebhookEndpointId
from domain.billing.webhook_commands import DeliverWebhooks, FollowWebhookEndpoint, WebhookProgress
from domain.kernel.ids import TenantId
from workflows.billing.clock import BooksClock


def workflow_id(tenant: TenantId, endpoint_id: WebhookEndpointId) -> str:
    """The one process of this endpoint."""
    return f"{tenant}/billing/webhook_endpoint/{endpoint_id}"


@workflow.defn(name="billing.webhook_endpoint")
class WebhookEndpointWorkflow(BooksClock[WebhookProgress]):
    """It ends when the endpoint is removed."""

    def __init__(self) -> None:
        super().__init__(WebhookProgress())

    @workflow.run
    async def run(self, input: FollowWebhookEndpoint) -> WebhookProgress:
        """How it ended."""
        return await self.keep_time(
            input,
            lambda now: workflow.execute_activity_method(
                BillingActivities.deliver_webhooks,
                DeliverWebhooks(tenant_id=input.tenant_id, endpoint_id=input.endpoint_id, now=now),
                summary="send what is due",
                **PROVIDER_CALL,
            ),
        )

    @workflow.query
    def progress(self) -> WebhookProgress:
        """Where it stands, what happens next, when and why."""
        return self._standing.now
