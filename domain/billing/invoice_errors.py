"""Refusals about legal entities, taxes and invoices."""

from domain.kernel.errors import Conflict, Invalid, NotFound


class LegalEntityNotFound(NotFound):
    """There is no legal entity with this code."""

    code = "billing.legal_entity_not_found"
    hint = "GET /v1/billing/legal-entities lists them."


class LegalEntityUnknown(Invalid):
    """The customer's legal entity is not there."""

    code = "billing.legal_entity_unknown"
    hint = "Add it first with POST /v1/billing/legal-entities, or leave it out: the first one sells then."


class LegalEntityExists(Conflict):
    """There is a legal entity with this code or with this number prefix already."""

    code = "billing.legal_entity_exists"
    hint = "Change the one that is there, or choose another code and prefix: numbers must not meet."


class TaxIdInvalid(Invalid):
    """The check digits of the tax id are wrong, or it is not of this country."""

    code = "billing.tax_id_invalid"
    hint = "Write it as it was issued, with its country in front for the European Union, and name that country."


class InvoiceNotFound(NotFound):
    """There is no such invoice."""

    code = "billing.invoice_not_found"
    hint = "GET /v1/billing/invoices lists the invoices."


class InvoiceStepNotPossible(Conflict):
    """An invoice that stands so cannot do this: what is final is never changed."""

    code = "billing.invoice_step_not_possible"
    hint = "Read the invoice again: drafts can be finalized and voided, open ones paid, voided or written off."


class EInvoiceNotPossible(Conflict):
    """EN 16931 cannot say this, or not yet."""

    code = "billing.e_invoice_not_possible"
    hint = "The reason says what is missing; the PDF can be had anyway, for a draft as well."


class NothingToInvoice(Conflict):
    """Nothing is charged when the period ends."""

    code = "billing.nothing_to_invoice"
    hint = "The subscription has ended or is paused, or it renews for nothing; its lines say what it was charged."


class LedgerSpanInvalid(Invalid):
    """The last month comes before the first, or there are too many between them."""

    code = "billing.ledger_span_invalid"
    hint = "Name a first and a last day, in this order and at most ten years apart."
