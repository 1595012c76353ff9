"""What can be allowed in workflow automation."""

from domain.kernel.permissions import Permission, Scope

REQUEST_ONBOARDING = Permission("automation.request_onboarding", Scope.OPERATOR, "Onboarding")
READ_ONBOARDINGS = Permission("automation.read_onboardings", Scope.READ, "Onboarding")
CANCEL_ONBOARDING = Permission("automation.cancel_onboarding", Scope.OPERATOR, "Onboarding")
