"""Refusals about webhooks out."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class WebhookEndpointNotFound(NotFound):
    """There is no such webhook endpoint."""

    code = "billing.webhook_endpoint_not_found"
    hint = "GET /v1/billing/webhook-endpoints lists them."


class WebhookEndpointInvalid(Invalid):
    """Nothing is sent to this place: it is not on TLS."""

    code = "billing.webhook_endpoint_invalid"
    hint = "Give a URL that begins with https://; HARBORGRID_OUTSIDE_PRIVATE allows others, for trying things."


class WebhookEndpointsTooMany(Conflict):
    """A tenant has at most 50 endpoints."""

    code = "billing.webhook_endpoints_too_many"
    hint = "Remove one that is not needed."


class WebhookDeliveryNotFound(NotFound):
    """There is no such delivery."""

    code = "billing.webhook_delivery_not_found"
    hint = "GET /v1/billing/webhook-deliveries lists them."
