"""Refusals about dunning."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class DunningCaseNotFound(NotFound):
    """Nothing is, or was, done about this invoice."""

    code = "billing.dunning_case_not_found"
    hint = "GET /v1/billing/dunning-cases lists them; a case begins when an invoice cannot be collected."


class DunningStepNotPossible(Conflict):
    """The case stands otherwise, or the step was done or skipped already."""

    code = "billing.dunning_step_not_possible"
    hint = "Read the case again: what waits can be skipped, approved and given another time while the case is open."


class DunningInstantInvalid(Invalid):
    """A step can be put off, or brought forward to now, for at most a year."""

    code = "billing.dunning_instant_invalid"
    hint = "Name an instant from now on, within a year."
