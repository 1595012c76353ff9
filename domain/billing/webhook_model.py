"""Webhooks out: where a tenant wants to be told what billing announces, and what became of each message."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, StrictBool, StringConstraints

from domain.billing.ids import WebhookDeliveryId, WebhookEndpointId
from domain.billing.plan_model import Label
from domain.bus.event import EventId
from domain.kernel.payload import Body, Payload

WAITS = (
    *(timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5)),
    *(timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24)),
)
"""After each failure, as Standard Webhooks has them ("Deliverability and reliability"); then nobody tries any more."""
GIVEN_UP_AFTER = timedelta(days=5)
"""An endpoint that has taken nothing for so long is disabled."""

TypePattern = Annotated[
    str,
    StringConstraints(pattern=r"^billing\.[a-z_*][a-z_.*]*$", max_length=100),
    Field(description="A type, or its beginning and `*`.", examples=["billing.invoice.*"]),
]


class WebhookEndpointTerms(Body):
    """Where, and what of."""

    url: str = Field(
        max_length=2_000,
        pattern=r"^https?://[^\s#]+$",
        description="On TLS.",
        examples=["https://initrode.example/hook"],
    )
    types: Annotated[tuple[TypePattern, ...], Field(min_length=1, max_length=100)] = Field(
        default=("billing.*",),
        description="Of these events.",
        examples=[["billing.invoice.*", "billing.payment.failed"]],
    )
    description: Label | None = Field(default=None, examples=["Our ERP"])
    is_enabled: StrictBool = Field(default=True, description="One that is not is sent nothing; what waits is kept.")


class WebhookEndpoint(WebhookEndpointTerms):
    """One of the tenant's.

    secret_generation: messages are signed with the secret of this generation, and until `previous_until` with the one
    before it too. failing_since: nothing was taken since. disabled_reason: why it was disabled without being asked.
    """

    id: WebhookEndpointId
    secret_generation: int = 1
    previous_until: datetime | None = None
    failing_since: datetime | None = None
    disabled_reason: str | None = None
    removed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 1

    def wants(self, type_: str) -> bool:
        """Whether it is told of this type."""
        return any(fnmatchcase(type_, pattern) for pattern in self.types)

    def generations(self, now: datetime) -> tuple[int, ...]:
        """Of the secrets that messages are signed with now, the newest first."""
        both = self.previous_until is not None and now < self.previous_until
        return (self.secret_generation, self.secret_generation - 1) if both else (self.secret_generation,)


class DeliveryStatus(StrEnum):
    """Where a message stands. failed: nobody tries any more by itself."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Payload):
    """One event for one endpoint. attempts: since it was queued, or asked for again."""

    id: WebhookDeliveryId
    endpoint_id: WebhookEndpointId
    event_id: EventId
    type: str
    status: DeliveryStatus
    attempts: int = 0
    next_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None = None


class WebhookAttempt(Payload):
    """One try. status: of the HTTP answer; None: there was none, and `error` says why. answer: how it begins."""

    at: datetime
    status: int | None
    duration_ms: int
    error: str | None = None
    answer: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the message arrived."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint wants nothing any more."""
        return self.status == 410
