"""What security announces about applications, service accounts, and the keys that tokens are signed with."""

from pydantic import AwareDatetime, Field

from domain.bus.event import Event, event
from domain.kernel.ids import UserId
from domain.security.ids import ApplicationId, GrantId, ServiceAccountId, SigningKeyId


@event(
    "security.service_account.created",
    version="1.0.0",
    source="security",
    subject="service_account_id",
    consumers=("analytics",),
)
class ServiceAccountCreated(Event):
    """A program is somebody in a tenant from now on."""

    service_account_id: ServiceAccountId
    name: str = Field(examples=["nightly import"])
    role: str = Field(examples=["member"])


@event(
    "security.service_account.disabled",
    version="1.0.0",
    source="security",
    subject="service_account_id",
    consumers=("gateway", "analytics"),
)
class ServiceAccountDisabled(Event):
    """A service account may do nothing any more; its tokens and certificates no longer work."""

    service_account_id: ServiceAccountId


@event(
    "security.application.registered",
    version="1.0.0",
    source="security",
    subject="application_id",
    consumers=("analytics",),
)
class ApplicationRegistered(Event):
    """An application was registered with the authorization server."""

    application_id: ApplicationId
    name: str = Field(examples=["Reports for the harbour office"])
    grant_types: tuple[str, ...] = Field(examples=[["authorization_code", "refresh_token"]])


@event(
    "security.application.disabled",
    version="1.0.0",
    source="security",
    subject="application_id",
    consumers=("gateway", "analytics"),
)
class ApplicationDisabled(Event):
    """An application may do nothing any more; its tokens no longer work."""

    application_id: ApplicationId


@event(
    "security.authorization.granted",
    version="1.0.0",
    source="security",
    subject="grant_id",
    consumers=("analytics",),
)
class AuthorizationGranted(Event):
    """An application may act for a person, or as a service account."""

    grant_id: GrantId
    application_id: ApplicationId
    user_id: UserId | None
    service_account_id: ServiceAccountId | None
    scopes: tuple[str, ...] = Field(examples=[["openid", "read"]])
    expires_at: AwareDatetime = Field(description="At the latest; codes and tokens end earlier.")


@event(
    "security.authorization.revoked",
    version="1.0.0",
    source="security",
    subject="grant_id",
    consumers=("gateway", "collaboration"),
)
class AuthorizationRevoked(Event):
    """An application may no longer act by this grant; its tokens no longer work."""

    grant_id: GrantId
    application_id: ApplicationId
    user_id: UserId | None
    reason: str = Field(description="`reuse` means that a token was used twice, so it was stolen.", examples=["reuse"])


@event(
    "security.signing_key.rotated",
    version="1.0.0",
    source="security",
    subject="signing_key_id",
    consumers=("gateway",),
)
class SigningKeyRotated(Event):
    """Tokens will be signed with a new key; the JWK set already has it."""

    signing_key_id: SigningKeyId
    algorithm: str = Field(examples=["EdDSA"])
    signs_from: AwareDatetime
