"""Refusals of automation."""

from domain.kernel.errors import Conflict, NotFound, Refused


class OnboardingNotFound(NotFound):
    """There is no such onboarding for this caller."""

    code = "workflow.onboarding_not_found"


class OnboardingFinished(Conflict):
    """This onboarding has ended, so it cannot be cancelled."""

    code = "workflow.onboarding_finished"
    hint = "GET it to see how it ended."


class OnboardingCancelled(Refused):
    """The onboarding was cancelled on request."""

    code = "workflow.onboarding_cancelled"
    hint = "Request a new onboarding if it was cancelled by mistake."
