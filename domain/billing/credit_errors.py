"""Refusals about credits."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class CreditGrantNotFound(NotFound):
    """There is no such grant of credit."""

    code = "billing.credit_grant_not_found"
    hint = "GET /v1/billing/credit-grants lists them."


class CreditGrantInvalid(Invalid):
    """The amount is finer than the currency has units, or it would expire before it can be used."""

    code = "billing.credit_grant_invalid"
    hint = "Give an amount with at most the currency's decimal places, and an instant in the future."


class CreditGrantStepNotPossible(Conflict):
    """Only a gift that is active can be voided: what was paid for is given back by a credit note of its invoice."""

    code = "billing.credit_grant_step_not_possible"
    hint = "Read the grant again; POST /v1/billing/credit-notes gives back what was bought."
