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


class ServiceAccountId(Id, prefix="sva"):
    """A program that is somebody in a tenant."""


class ApplicationId(Id, prefix="app"):
    """An application that is registered with the authorization server; its OAuth `client_id`."""


class ClientSecretId(Id, prefix="ocs"):
    """A secret of an application; never the secret itself."""


class GrantId(Id, prefix="grt"):
    """What an application may do for somebody; never a token."""


class AuthorizationCodeId(Id, prefix="azc"):
    """An authorization code (RFC 6749, section 4.1); never the code itself."""


class RefreshTokenId(Id, prefix="rft"):
    """One refresh token of a grant; never the token itself."""


class DeviceAuthorizationId(Id, prefix="dva"):
    """A device that waits to be let in (RFC 8628); never its code."""


class AccessTokenId(Id, prefix="atk"):
    """An access token's `jti`."""


class SigningKeyId(Id, prefix="sig"):
    """A key that tokens are signed with; its `kid`."""


class PasskeyId(Id, prefix="pky"):
    """A passkey of a person's; not what the device calls it."""


class PasskeyChallengeId(Id, prefix="pkc"):
    """What a device has to sign; never the bytes."""


class ClientCertificateId(Id, prefix="crt"):
    """A certificate that a service account comes with."""


class IdentityProviderId(Id, prefix="idp"):
    """Where a tenant's people have another account."""


class ProviderSignInId(Id, prefix="psi"):
    """Somebody on their way to a provider and back; never the `state`."""


class ElevationId(Id, prefix="elv"):
    """Somebody's being more than they are, for a while."""


class ErasureId(Id, prefix="ers"):
    """The erasure of what a removed tenant left behind."""


class BreachId(Id, prefix="brc"):
    """A personal data breach."""


class NetworkBanId(Id, prefix="ban"):
    """A network that nobody new signs in from for a while."""


class ReencryptionId(Id, prefix="ren"):
    """Bringing everything under another key."""


class ExchangeKeyId(Id, prefix="exk"):
    """A key that outsiders encrypt for a tenant with; its `kid`."""


class RiskId(Id, prefix="rsk"):
    """Something that may go wrong."""


class DependencyScanId(Id, prefix="scn"):
    """A look at what we are made of, for known vulnerabilities."""


class EvidenceId(Id, prefix="evd"):
    """An observation of a control."""


class EvidenceCollectionId(Id, prefix="evc"):
    """A round through the controls."""


class SubjectRequestId(Id, prefix="dsr"):
    """A data subject's request."""


class LegalHoldId(Id, prefix="hld"):
    """A matter for which something must not be erased."""
