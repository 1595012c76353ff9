"""Refusals about breaches."""

from domain.kernel.errors import Conflict, NotFound, Refused


class BreachNotFound(NotFound):
    """There is no such breach for this caller."""

    code = "security.breach_not_found"
    hint = "GET /v1/security/breaches lists them."


class BreachClosed(Conflict):
    """This breach is closed; its record stays as it is."""

    code = "security.breach_closed"
    hint = "Report another one if more has come to light."


class BreachNotSettled(Conflict):
    """Somebody has to be told of this breach still."""

    code = "security.breach_not_settled"
    hint = "Record who was told, as details say; or assess the risk again."


class BreachInstantInvalid(Refused):
    """Such a thing did not happen then."""

    code = "security.breach_instant_invalid"
    status = 422
    hint = "Send an instant between when you became aware of the breach, or a year ago, and now."


class BreachDelayUnexplained(Refused):
    """Whoever notifies later than 72 hours after becoming aware has to say why (GDPR, Article 33(1))."""

    code = "security.breach_delay_unexplained"
    status = 422
    hint = "Send delayReason, as you told it to the authority."
