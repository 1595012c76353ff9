"""Refusals about payments."""

from domain.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable


class PaymentAccountNotConnected(Conflict):
    """The tenant has no account at this provider, so nothing can be collected by it."""

    code = "billing.payment_account_not_connected"
    hint = "Connect it with PUT /v1/billing/payment-accounts/{provider}."


class PaymentAccountRefused(Invalid):
    """The provider does not accept these credentials."""

    code = "billing.payment_account_refused"
    hint = "Copy them from the provider's dashboard once more; docs/payments.md names the rights of restricted keys."


class PaymentMethodNotFound(NotFound):
    """There is no such payment method, or it was removed."""

    code = "billing.payment_method_not_found"
    hint = "GET /v1/billing/payment-methods?customerId=... lists them."


class PaymentMethodMissing(Conflict):
    """The customer has no payment method to collect by."""

    code = "billing.payment_method_missing"
    hint = "Add one with POST /v1/billing/payment-methods, or mark the invoice as paid by another way."


class PaymentMethodRefused(Invalid):
    """The provider does not take this payment method."""

    code = "billing.payment_method_refused"
    hint = "Ask the customer for another one; decline_code is the provider's own."


class PaymentMethodInUse(Conflict):
    """A payment by this method is under way."""

    code = "billing.payment_method_in_use"
    hint = "Wait until the payment is settled, or cancel it: GET /v1/billing/payments says how it stands."


class PaymentNotFound(NotFound):
    """There is no such payment."""

    code = "billing.payment_not_found"
    hint = "GET /v1/billing/payments lists them."


class PaymentUnderWay(Conflict):
    """Money may still move by an earlier attempt, so nothing else may settle the invoice."""

    code = "billing.payment_under_way"
    hint = "GET /v1/billing/payments/{id}/progress says what comes next; it can be canceled until money moves."


class PaymentStepNotPossible(Conflict):
    """A payment that stands so cannot do this."""

    code = "billing.payment_step_not_possible"
    hint = (
        "Read the payment again: only those that are not settled can be canceled, only those that succeeded refunded."
    )


class ProviderUnreachable(Unavailable):
    """The provider did not answer, or says that it is broken."""

    code = "billing.provider_unreachable"
    hint = "Send the same again in a while; nothing was kept."


class WebhookRefused(Forbidden):
    """It is not signed by the provider with the secret that this account has, or it is too old."""

    code = "billing.webhook_refused"
    hint = "Connect the account again, which makes a new secret; look whether this server's clock is right."
