"""Applications, what they may do for whom, and the codes and tokens they do it with (RFC 6749, RFC 8628).

A grant is what an application was allowed: by a person in one tenant, or as its own service account. Codes and tokens
belong to a grant, and end with it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.kernel.permissions import Scope
from domain.security.events import Factor
from domain.security.ids import (
    ApplicationId,
    AuthorizationCodeId,
    ClientCertificateId,
    ClientSecretId,
    DeviceAuthorizationId,
    GrantId,
    IdentityProviderId,
    ProviderSignInId,
    RefreshTokenId,
    ServiceAccountId,
    SigningKeyId,
)
from domain.security.people import Role

ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
CODE_LIFETIME = timedelta(minutes=1)
DEVICE_CODE_LIFETIME = timedelta(minutes=10)
REFRESH_TOKEN_LIFETIME = timedelta(days=14)
GRANT_LIFETIME = timedelta(days=90)

PLATFORM_SCOPES = (Scope.READ, Scope.WRITE, Scope.ADMIN)
OPENID = ("openid", "profile", "email")
SCOPES: tuple[str, ...] = (*OPENID, *(scope.value for scope in PLATFORM_SCOPES))
"""Every scope an application can ask for; the platform's are those of API keys."""
_LOOPBACK = ("127.0.0.1", "::1")


class GrantType(StrEnum):
    """How an application comes by a token."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class ClientAuthentication(StrEnum):
    """How an application proves who it is at the token endpoint (RFC 7591, section 2)."""

    NONE = "none"
    SECRET_BASIC = "client_secret_basic"  # noqa: S105 - the name of a method
    SECRET_POST = "client_secret_post"  # noqa: S105
    PRIVATE_KEY_JWT = "private_key_jwt"


class ServiceAccount(Payload):
    """A program that is somebody in a tenant, as a member is. role: what it is there; never an owner."""

    id: ServiceAccountId
    tenant_id: TenantId
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


class ClientCertificate(Payload):
    """What a service account comes with over mutual TLS. thumbprint: SHA-256 of the DER, in hexadecimal.

    subject, issuer: as RFC 4514 writes them; serial: in hexadecimal.
    """

    id: ClientCertificateId
    tenant_id: TenantId
    service_account_id: ServiceAccountId
    thumbprint: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    created_at: datetime
    revoked_at: datetime | None = None


class ClientSecret(Payload):
    """A secret of an application, kept as a hash. Two work at once while one takes over from the other."""

    id: ClientSecretId
    created_at: datetime
    expires_at: datetime | None = None


class Application(Payload):
    """An application of a tenant. Its id is its `client_id`.

    jwks: the public keys (RFC 7517) that its assertions are signed with; service_account_id: who it is on its own.
    """

    id: ApplicationId
    tenant_id: TenantId
    name: str
    grant_types: tuple[GrantType, ...]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    authentication: ClientAuthentication
    jwks: dict[str, Any] | None
    service_account_id: ServiceAccountId | None
    id_token_algorithm: str
    created_at: datetime
    disabled_at: datetime | None = None
    secrets: tuple[ClientSecret, ...] = ()

    def redirects_to(self, uri: str) -> bool:
        """Whether this is one of its redirect URIs, character by character; a native app's loopback port is free.

        RFC 9700, section 2.1; RFC 8252, section 7.3.
        """
        return uri in self.redirect_uris or any(_same_but_port(uri, known) for known in self.redirect_uris)


class RevokeReason(StrEnum):
    """Why a grant was revoked."""

    BY_PERSON = "by_person"
    BY_ADMINISTRATOR = "by_administrator"
    BY_APPLICATION = "by_application"
    REUSE = "reuse"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - why, not a secret
    MEMBERSHIP_ENDED = "membership_ended"
    DISABLED = "disabled"


class Grant(Payload):
    """What an application may do: for a person, or as its service account.

    factors, proved_at: by what and when the person proved who they are; nonce: of the OpenID Connect request.
    """

    id: GrantId
    tenant_id: TenantId
    client_id: ApplicationId
    user_id: UserId | None = None
    service_account_id: ServiceAccountId | None = None
    scopes: tuple[str, ...]
    factors: tuple[Factor, ...] = ()
    proved_at: datetime | None = None
    nonce: str | None = None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoke_reason: RevokeReason | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it may be used."""
        return self.revoked_at is None and self.expires_at > now


class AuthorizationCode(Payload):
    """What an application exchanges for tokens, once. code_challenge: S256 of RFC 7636."""

    id: AuthorizationCodeId
    grant_id: GrantId
    redirect_uri: str
    code_challenge: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class RefreshToken(Payload):
    """What an application gets its next access token with, once: it comes with its successor."""

    id: RefreshTokenId
    grant_id: GrantId
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class DeviceAuthorization(Payload):
    """A device that waits for somebody to let it in. user_code: what they type; grant_id: once they allowed it."""

    id: DeviceAuthorizationId
    client_id: ApplicationId
    user_code: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    interval_seconds: int
    polled_at: datetime | None = None
    denied_at: datetime | None = None
    grant_id: GrantId | None = None
    used_at: datetime | None = None


class Holder(Payload):
    """Whom an application acts for or as, by one grant, at this moment. role: what they are in the tenant now."""

    grant: Grant
    role: Role
    name: str
    email: str | None


class IdentityProvider(Payload):
    """Where a tenant's people have another account. sealed: our secret there, encrypted.

    join_as: what somebody becomes who is no member yet, if their verified address is at one of `domains`.
    """

    id: IdentityProviderId
    tenant_id: TenantId
    name: str
    issuer: str
    client_id: str
    sealed: bytes
    redirect_uris: tuple[str, ...]
    join_as: Role | None
    domains: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None = None


class ProviderSignIn(Payload):
    """Somebody was sent to a provider. code_verifier: of PKCE (RFC 7636); nonce: for the ID token."""

    id: ProviderSignInId
    provider_id: IdentityProviderId
    redirect_uri: str
    nonce: str
    code_verifier: str
    created_at: datetime
    expires_at: datetime


class SigningKey(Payload):
    """A key pair. public: its JWK; sealed: the private half, encrypted.

    It signs from `signs_from` on, until a newer one does; others know it until `expires_at`.
    """

    id: SigningKeyId
    algorithm: str
    public: dict[str, Any]
    sealed: bytes
    created_at: datetime
    signs_from: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_known(self, now: datetime) -> bool:
        """Whether tokens that it signed are believed."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def platform_scopes(scopes: Collection[str], role: Role) -> frozenset[Scope]:
    """How far a token with these scopes reaches for somebody with this role: never beyond either."""
    reach = PLATFORM_SCOPES.index(role.scope)
    return frozenset(scope for scope in PLATFORM_SCOPES[: reach + 1] if scope in scopes)


def grantable(scopes: Collection[str], role: Role) -> tuple[str, ...]:
    """What of this somebody with this role can let an application have, in the order of SCOPES."""
    reached = platform_scopes(scopes, role)
    return tuple(scope for scope in SCOPES if scope in scopes and (scope in OPENID or scope in reached))


def refusal_of(uri: str) -> str | None:
    """What is wrong with a redirect URI: it names a place on TLS, an app's own scheme, or a port of this machine."""
    if any(character <= " " or character > "~" or character in '"\\<>^`{|}' for character in uri):
        return "has characters that no URI has"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "is no URI"
    if parts.fragment or "#" in uri:
        return "has a fragment (RFC 6749, section 3.1.2)"
    if parts.scheme == "http" and parts.hostname not in (*_LOOPBACK, "localhost"):
        return "is not on TLS"
    if parts.scheme in ("http", "https"):
        return None if parts.hostname and parts.username is None else "names no host, or a user"
    # RFC 8252, section 7.1: an app's own scheme is a domain the other way round. It keeps javascript: out as well.
    return None if "." in parts.scheme else "has a scheme that is neither https nor an app's own (com.example.app)"


def _same_but_port(uri: str, known: str) -> bool:
    try:
        asked, registered = urlsplit(uri), urlsplit(known)
        if asked.port is None:
            return False
    except ValueError:
        return False
    if registered.scheme != "http" or registered.hostname not in _LOOPBACK or asked.username is not None:
        return False
    host = f"[{asked.hostname}]" if ":" in (asked.hostname or "") else asked.hostname
    bare = f"{asked.scheme}://{host}:{asked.port}"
    return (
        uri.startswith(bare)
        and (asked.scheme, asked.hostname) == (registered.scheme, registered.hostname)
        and (asked.path, asked.query, asked.fragment) == (registered.path, registered.query, registered.fragment)
    )
