"""Refusals about requests of data subjects, legal holds and retention."""

from domain.kernel.errors import Conflict, NotFound


class SubjectRequestNotFound(NotFound):
    """There is no such request for this caller."""

    code = "security.subject_request_not_found"
    hint = "GET /v1/security/subject-requests lists them."


class SubjectRequestUnderWay(Conflict):
    """The same is asked for already."""

    code = "security.subject_request_under_way"
    hint = "Wait for the request that details name, or cancel it."


class SubjectRequestNotOpen(Conflict):
    """It has begun or is over, and cannot be cancelled any more."""

    code = "security.subject_request_not_open"
    hint = "What was erased is gone; an export can be left to expire."


class DocumentNotThere(Conflict):
    """There is nothing to fetch: it is not ready yet, has expired, or is of another kind."""

    code = "security.document_not_there"
    hint = "status says where the request stands; after documentUntil, ask for another export."


class LegalHoldNotFound(NotFound):
    """There is no such hold for this caller."""

    code = "security.legal_hold_not_found"
    hint = "GET /v1/security/legal-holds lists them."


class LegalHoldActive(Conflict):
    """A legal hold is on the tenant: nothing of it is erased."""

    code = "security.legal_hold_active"
    hint = "Lift the holds that details name, once their matters are over."
