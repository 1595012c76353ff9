"""Ids of automation."""

from domain.kernel.ids import Id


class AutomationId(Id, prefix="aut"):
    """A customer's automation, in all its versions."""


class ExecutionId(Id, prefix="exe"):
    """One execution of an automation."""


class ApprovalId(Id, prefix="apr"):
    """A decision that people were asked for."""


class OnboardingId(Id, prefix="onb"):
    """One organisation's way in."""
