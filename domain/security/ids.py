"""Ids of security."""

from domain.kernel.ids import Id


class ApiKeyId(Id, prefix="key"):
    """An API key; never the secret itself."""


class AuditRecordId(Id, prefix="aud"):
    """One record of the audit trail."""


class DataKeyId(Id, prefix="dek"):
    """A tenant's data encryption key; never the key material."""


class PolicyId(Id, prefix="pol"):
    """An access or compliance policy."""


class SessionId(Id, prefix="ses"):
    """A signed-in session; never its token."""


class InvitationId(Id, prefix="ivt"):
    """An invitation into a tenant; never the link's secret."""


class PasswordResetId(Id, prefix="pwr"):
    """A request to set a new password; never the link's secret."""


class ThreatId(Id, prefix="thr"):
    """A detected threat."""
