"""What notifications can be asked to do by a process."""

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


class WelcomeSent(Payload):
    """What the mail server took."""

    notification_id: NotificationId
    message_id: str
