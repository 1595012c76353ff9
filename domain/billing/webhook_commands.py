"""What billing can be asked to do about webhooks out by a process."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import WebhookEndpointId
from domain.billing.progress import BooksProgress, Followed


class FollowWebhookEndpoint(Followed):
    """See to it that what is queued for an endpoint arrives."""

    endpoint_id: WebhookEndpointId


class DeliverWebhooks(FollowWebhookEndpoint):
    """Send what is due by now."""

    now: datetime


class WebhookProgress(BooksProgress):
    """Where its process stands."""

    pending: int = 0
