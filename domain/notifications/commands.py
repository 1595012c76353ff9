"""What notifications can be asked to do by a process."""

from datetime import datetime
from enum import StrEnum

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.notifications.ids import NotificationId


class SendWelcomeEmail(Payload):
    """Welcome the owner of a new tenant, once."""

    tenant_id: TenantId
    notification_id: NotificationId
    organisation: str
    owner_name: str
    owner_email: str
    plan_code: str
    locale: str


class LinkPurpose(StrEnum):
    """What a mailed link lets its reader do."""

    INVITATION = "invitation"
    INVITATION_REMINDER = "invitation_reminder"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - what it is for, not a secret


class SendLinkEmail(Payload):
    """Mail a link, once. link_id: what the link is about; its secret half is added when the mail is written."""

    tenant_id: TenantId
    notification_id: NotificationId
    purpose: LinkPurpose
    link_id: str
    organisation: str
    recipient_name: str
    recipient: str
    locale: str
    expires_at: datetime


class NoticeKind(StrEnum):
    """What somebody is told."""

    ELEVATION_REQUESTED = "elevation_requested"
    GLASS_BROKEN = "glass_broken"
    REVIEW_DUE = "review_due"
    THREAT_DETECTED = "threat_detected"
    THREAT_WAITS = "threat_waits"
    BREACH_CLOCK = "breach_clock"
    BREACH_OVERDUE = "breach_overdue"
    RISK_OPEN = "risk_open"
    RISK_PROPOSED = "risk_proposed"
    RISK_PLANNED = "risk_planned"
    DUNNING_PAYMENT_FAILED = "dunning_payment_failed"
    DUNNING_REMINDER = "dunning_reminder"
    DUNNING_LAST_REMINDER = "dunning_last_reminder"
    DUNNING_AUTHENTICATE = "dunning_authenticate"
    DUNNING_SUSPENDED = "dunning_suspended"
    DUNNING_CANCELED = "dunning_canceled"
    DUNNING_WIN_BACK = "dunning_win_back"


class SendNotice(Payload):
    """Tell somebody by mail, once. about: what makes it this notice and no other; facts: what its words name."""

    tenant_id: TenantId
    notification_id: NotificationId
    kind: NoticeKind
    about: str
    facts: dict[str, str]
    recipient_name: str
    recipient: str
    locale: str


class MailTaken(Payload):
    """What the mail server took."""

    notification_id: NotificationId
    message_id: str
