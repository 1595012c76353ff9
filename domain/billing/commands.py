"""What billing can be asked to do by a process."""

from domain.billing.ids import SubscriptionId
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload


class CreateSubscription(Payload):
    """Subscribe this tenant to a plan, once per onboarding."""

    onboarding_id: str
    tenant_id: TenantId
    plan_code: str
    timezone: str


class SubscriptionReady(Payload):
    """The subscription that now exists."""

    subscription_id: SubscriptionId


class CancelSubscription(Payload):
    """Undo the subscription of this onboarding, and see that it cannot come to life later."""

    onboarding_id: str
    tenant_id: TenantId
    reason: str
