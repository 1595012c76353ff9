"""Refusals about credit notes and refunds."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class CreditNoteNotFound(NotFound):
    """There is no such credit note."""

    code = "billing.credit_note_not_found"
    hint = "GET /v1/billing/credit-notes lists them."


class CreditNoteInvalid(Invalid):
    """More is to be given back than is left, or of a line that is not there; see details."""

    code = "billing.credit_note_invalid"
    hint = "Read the invoice and its credit notes: details name the line and what is left of it, tax included."


class RefundNotPossible(Conflict):
    """No provider has collected as much of this invoice as is to be refunded."""

    code = "billing.refund_not_possible"
    hint = "Give it back as credit, or refund at most what details name."


class RefundNotFound(NotFound):
    """There is no such refund."""

    code = "billing.refund_not_found"
    hint = "GET /v1/billing/refunds lists them."


class RefundStepNotPossible(Conflict):
    """Only a refund that has failed can be tried again, or become credit."""

    code = "billing.refund_step_not_possible"
    hint = "Read the refund again; GET /v1/billing/refunds/{id}/progress says what comes next."
