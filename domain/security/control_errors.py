"""Refusals about controls and their evidence."""

from domain.kernel.errors import Conflict, NotFound, Refused


class ControlNotFound(NotFound):
    """There is no such control, or this caller has it not."""

    code = "security.control_not_found"
    hint = "GET /v1/security/controls lists them, with whose they are."


class ControlIsCollected(Conflict):
    """Evidence of this control is collected; nobody's word replaces it."""

    code = "security.control_is_collected"
    hint = "Mend what its evidence says, then collect again: POST /v1/security/evidence-collections."


class AttestationInvalid(Refused):
    """An attestation counts for as long as its control says, at most."""

    code = "security.attestation_invalid"
    status = 422
    hint = "Send validUntil as an instant between now and the end that details name, or leave it out."


class EvidenceCollectionNotFound(NotFound):
    """There is no such collection for this caller."""

    code = "security.evidence_collection_not_found"
    hint = "GET /v1/security/evidence-collections lists them."
