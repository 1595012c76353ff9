"""What an onboarding is asked for, where nobody looks at the words."""

from __future__ import annotations

from adapters.kernel.clock import new_id
from domain.automation.commands import RequestOnboarding
from domain.automation.ids import OnboardingId
from domain.kernel.ids import TenantId


def onboarding_request() -> RequestOnboarding:
    """A request of a tenant of its own."""
    return RequestOnboarding(
        onboarding_id=new_id(OnboardingId),
        tenant_id=new_id(TenantId),
        organisation="Test",
        owner_name="Ada Lovelace",
        owner_email="ada@example.com",
        plan_code="pro",
        locale="en",
        timezone="UTC",
    )
