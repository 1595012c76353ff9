"""What notifications announces (`notification.*`, `alert.*`, `incident.*`): messages, alerts and incidents."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt

from domain.bus.event import Event, EventId, event
from domain.kernel.ids import UserId
from domain.notifications.ids import AlertId, EscalationPolicyId, IncidentId, NotificationId

Channel = Literal["email", "sms", "push", "slack", "teams", "webhook"]


class AlertSeverity(StrEnum):
    """How urgent an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class EscalationReason(StrEnum):
    """Why the next person is asked."""

    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOT_RESOLVED = "not_resolved"
    SEVERITY_RAISED = "severity_raised"
    BY_HAND = "by_hand"


@event(
    "notification.sent",
    version="1.0.0",
    source="notifications",
    subject="notification_id",
    consumers=("analytics",),
)
class NotificationSent(Event):
    """The channel accepted a message; whether it arrived is another event."""

    notification_id: NotificationId
    channel: Channel
    template: str = Field(description="Name of the template.", examples=["welcome"])
    recipient: str = Field(description="The address, masked.", examples=["i•••••@fjord.example"])
    message_id: str = Field(
        description="The channel's own id of the message (Message-ID of RFC 5322 for e-mail).",
        examples=["<ntf_01h455vb4pex5vsknk084sn02q@harborgrid.example>"],
    )


@event(
    "notification.delivered",
    version="1.0.0",
    source="notifications",
    subject="notification_id",
    consumers=("analytics",),
)
class NotificationDelivered(Event):
    """The channel confirmed that a message reached its recipient."""

    notification_id: NotificationId
    channel: Channel
    template: str = Field(description="Name of the template.", examples=["welcome"])
    recipient: str = Field(description="The address, masked.", examples=["i•••••@fjord.example"])
    message_id: str = Field(
        description="The channel's own id of the message.",
        examples=["<ntf_01h455vb4pex5vsknk084sn02q@harborgrid.example>"],
    )
    transit_ms: NonNegativeInt = Field(
        description="From sending to delivery, by the channel's receipt.", examples=[1850]
    )


@event(
    "notification.failed",
    version="1.0.0",
    source="notifications",
    subject="notification_id",
    consumers=("analytics", "automation"),
)
class NotificationFailed(Event):
    """A message is given up: the channel refused it, or kept failing."""

    notification_id: NotificationId
    channel: Channel
    template: str = Field(description="Name of the template.", examples=["welcome"])
    recipient: str = Field(description="The address, masked.", examples=["i•••••@fjord.example"])
    message_id: str = Field(
        description="The id it was handed over under.",
        examples=["<ntf_01h455vb4pex5vsknk084sn02q@harborgrid.example>"],
    )
    code: str = Field(description="Code of the refusal.", examples=["notifications.recipient_rejected"])
    reason: str = Field(description="What the channel said.", examples=["550 5.1.1 no such mailbox"])
    attempts: PositiveInt = Field(examples=[1])


@event(
    "alert.triggered",
    version="1.0.0",
    source="notifications",
    subject="alert_id",
    consumers=("automation", "analytics"),
)
class AlertTriggered(Event):
    """An alert began to fire; repetitions of the same alert are counted in it, not announced."""

    alert_id: AlertId
    title: str = Field(examples=["API latency above 200 ms"])
    severity: AlertSeverity
    rule: str = Field(description="Name of the rule that fired.", examples=["api-latency"])
    deduplication_key: str = Field(
        description="Alerts with the same key are one alert until it is resolved.",
        examples=["api-latency/eu-north"],
    )
    cause_event_id: EventId | None = Field(default=None, description="The event that the rule fired on, if it was one.")
    policy_id: EscalationPolicyId | None = Field(
        default=None, description="Null: nobody is asked, it is only recorded."
    )
    labels: dict[str, str] = Field(default={}, examples=[{"region": "eu-north"}])


@event(
    "alert.escalated",
    version="1.0.0",
    source="notifications",
    subject="alert_id",
    consumers=("automation", "analytics"),
)
class AlertEscalated(Event):
    """An alert went to the next level of its escalation policy."""

    alert_id: AlertId
    policy_id: EscalationPolicyId
    level: PositiveInt = Field(description="The level reached; 1 is who was asked first.", examples=[2])
    reason: EscalationReason
    severity: AlertSeverity
    notified_ids: tuple[UserId, ...] = Field(description="Who is on call at this level; empty if nobody is.")
    next_escalation_at: AwareDatetime | None = Field(default=None, description="Null at the last level.")


@event(
    "incident.created",
    version="1.0.0",
    source="notifications",
    subject="incident_id",
    consumers=("automation", "analytics", "security"),
)
class IncidentCreated(Event):
    """An incident was opened."""

    incident_id: IncidentId
    title: str = Field(examples=["Tiles are slow in eu-north"])
    severity: Literal["sev1", "sev2", "sev3", "sev4"] = Field(
        description="sev1 is an outage for everybody, sev4 an inconvenience."
    )
    alert_ids: tuple[AlertId, ...] = Field(
        default=(), description="Alerts it was opened for; empty if a person reported it."
    )
    affected_modules: tuple[str, ...] = Field(default=(), examples=[["spatial", "gateway"]])
    commander_id: UserId | None = Field(default=None, description="Who leads the response, once somebody does.")
    started_at: AwareDatetime = Field(
        description="When the disturbance began, as far as known.", examples=["2026-03-01T09:12:00Z"]
    )
