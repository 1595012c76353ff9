"""What automation can be asked to do by a process."""

from domain.automation.ids import OnboardingId
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload


class RequestOnboarding(Payload):
    """Bring this organisation in."""

    onboarding_id: OnboardingId
    tenant_id: TenantId
    organisation: str
    owner_name: str
    owner_email: str
    plan_code: str
    locale: str
    timezone: str


class FinishOnboarding(Payload):
    """Close the books on an onboarding: completed, or compensated with the reason."""

    onboarding_id: OnboardingId
    tenant_id: TenantId
    completed: bool
    failed_step: str | None = None
    error_code: str = ""
    reason: str = ""
