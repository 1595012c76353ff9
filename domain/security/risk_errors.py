"""Refusals about risks, vulnerabilities and advisories."""

from domain.kernel.errors import Conflict, NotFound, Refused, Unavailable


class CvssVectorInvalid(Refused):
    """This is no CVSS vector."""

    code = "security.cvss_vector_invalid"
    status = 422
    hint = "Send one such as CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H, with every base metric."


class RiskNotFound(NotFound):
    """There is no such risk for this caller."""

    code = "security.risk_not_found"
    hint = "GET /v1/security/risks lists them."


class RiskClosed(Conflict):
    """This risk is closed; its record stays as it is."""

    code = "security.risk_closed"
    hint = "Add another one if it has come back."


class RiskStepNotPossible(Conflict):
    """From where this risk stands, that step is not taken."""

    code = "security.risk_step_not_possible"
    hint = "details say where it stands: a plan comes first, and an acceptance that waits is approved or planned anew."


class RiskAcceptedByProposer(Conflict):
    """Whoever proposed to accept so high a risk does not approve it."""

    code = "security.risk_accepted_by_proposer"
    hint = "Let another administrator approve it."


class RiskInstantInvalid(Refused):
    """A plan ends in the future, and within a year."""

    code = "security.risk_instant_invalid"
    status = 422
    hint = "Send treatBy as an instant between now and a year from now."


class RiskReductionInvalid(Refused):
    """Treatment does not make a risk larger."""

    code = "security.risk_reduction_invalid"
    status = 422
    hint = "Send residualLikelihood and residualImpact that are no larger than likelihood and impact."


class AdvisoriesUnreadable(Refused):
    """The advisories are not as OSV describes them."""

    code = "security.advisories_unreadable"
    status = 422
    hint = "Name a JSON file, a file of JSON lines, a folder or a ZIP archive of OSV records."


class AdvisoriesUnavailable(Unavailable):
    """The source of advisories does not answer."""

    code = "security.advisories_unavailable"
    hint = "It is tried again by itself; see HARBORGRID_ADVISORIES."
