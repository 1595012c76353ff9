"""What security asks of the database about applications, and what they were granted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
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
from domain.security.oauth import (
    Application,
    AuthorizationCode,
    ClientCertificate,
    ClientSecret,
    DeviceAuthorization,
    Grant,
    Holder,
    IdentityProvider,
    ProviderSignIn,
    RefreshToken,
    RevokeReason,
    ServiceAccount,
    SigningKey,
)


class ServiceAccounts(Protocol):
    """Programs that are somebody."""

    async def put(self, account: ServiceAccount) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId | None, account_id: ServiceAccountId) -> ServiceAccount:
        """Locked until the transaction ends. Raises ServiceAccountNotFound; tenant None may see every one."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[ServiceAccount]:
        """Newest first."""
        ...


class Applications(Protocol):
    """Applications."""

    async def put(self, client: Application) -> None:
        """Insert or replace; its secrets are kept apart."""
        ...

    async def get(self, tenant: TenantId | None, client_id: ApplicationId) -> Application:
        """Locked until the transaction ends. Raises ApplicationNotFound; tenant None may see every one."""
        ...

    async def find(self, client_id: ApplicationId) -> Application | None:
        """One that is not disabled, of a tenant that is active."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Application]:
        """Newest first."""
        ...

    async def add_secret(self, client_id: ApplicationId, secret: ClientSecret, secret_hash: bytes) -> None:
        """Insert."""
        ...

    async def end_secrets(self, client_id: ApplicationId, *, at: datetime) -> None:
        """Refuse those there are after this instant, unless they end earlier."""
        ...

    async def secrets(self, client_id: ApplicationId, *, now: datetime) -> dict[ClientSecretId, bytes]:
        """Hashes of those that work."""
        ...

    async def use_assertion(self, client_id: ApplicationId, jti: str, *, ends: float) -> bool:
        """Remember an assertion until it ends (seconds since 1970); False if it was used before."""
        ...


class Grants(Protocol):
    """What applications may do, and the codes and tokens of it."""

    async def add(self, grant: Grant) -> None:
        """Insert."""
        ...

    async def get(self, tenant: TenantId | None, grant_id: GrantId) -> Grant:
        """Locked until the transaction ends. Raises AuthorizationNotFound."""
        ...

    async def holder(self, grant_id: GrantId) -> Holder | None:
        """Whom it is for, if they are still there; the grant is locked until the transaction ends."""
        ...

    async def extend(self, grant_id: GrantId, *, to: datetime) -> None:
        """It lives until then."""
        ...

    async def revoke(self, grant_id: GrantId, *, at: datetime, reason: RevokeReason) -> None:
        """Make everything of it useless."""
        ...

    async def live(
        self,
        *,
        now: datetime,
        user_id: UserId | None = None,
        tenant: TenantId | None = None,
        client_id: ApplicationId | None = None,
        service_account_id: ServiceAccountId | None = None,
    ) -> Sequence[Grant]:
        """Those that may be used: a person's (in one tenant, or all), an application's or a service account's."""
        ...

    async def page(
        self, tenant: TenantId | None, user_id: UserId | None, *, cursor: str | None, limit: int
    ) -> Page[Grant]:
        """Newest first, ended ones as well; of one person, if one is named."""
        ...

    async def add_code(self, code: AuthorizationCode, secret_hash: bytes) -> None:
        """Insert."""
        ...

    async def code(self, code_id: AuthorizationCodeId) -> tuple[AuthorizationCode, bytes] | None:
        """With its hash; locked until the transaction ends."""
        ...

    async def use_code(self, code_id: AuthorizationCodeId, *, at: datetime) -> None:
        """It was exchanged."""
        ...

    async def add_refresh_token(self, token: RefreshToken, secret_hash: bytes) -> None:
        """Insert."""
        ...

    async def refresh_token(self, token_id: RefreshTokenId) -> tuple[RefreshToken, bytes] | None:
        """With its hash; its grant is locked until the transaction ends, so what this says stays true."""
        ...

    async def use_refresh_token(self, token_id: RefreshTokenId, *, at: datetime) -> None:
        """It was exchanged."""
        ...

    async def put_device(self, device: DeviceAuthorization, secret_hash: bytes) -> None:
        """Insert, or replace all but the hash."""
        ...

    async def device(self, device_id: DeviceAuthorizationId) -> tuple[DeviceAuthorization, bytes] | None:
        """With its hash; locked until the transaction ends."""
        ...

    async def device_with(
        self, tenant: TenantId, user_code: str, *, now: datetime
    ) -> tuple[DeviceAuthorization, bytes] | None:
        """The one that waits with this code for somebody of this tenant; locked until the transaction ends."""
        ...


class Certificates(Protocol):
    """Certificates that service accounts come with."""

    async def add(self, certificate: ClientCertificate) -> bool:
        """Insert; False if it is registered already."""
        ...

    async def get(self, tenant: TenantId | None, certificate_id: ClientCertificateId) -> ClientCertificate:
        """Locked until the transaction ends. Raises CertificateNotFound."""
        ...

    async def revoke(self, certificate_id: ClientCertificateId, *, at: datetime) -> None:
        """Make it useless."""
        ...

    async def page(
        self,
        tenant: TenantId | None,
        account_id: ServiceAccountId | None,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[ClientCertificate]:
        """Newest first, revoked ones as well; of one service account, if one is named."""
        ...


class IdentityProviders(Protocol):
    """Where a tenant's people have another account."""

    async def put(self, provider: IdentityProvider) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId | None, provider_id: IdentityProviderId) -> IdentityProvider:
        """Raises IdentityProviderNotFound."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[IdentityProvider]:
        """Newest first, disabled ones as well."""
        ...

    async def add_sign_in(self, sign_in: ProviderSignIn, secret_hash: bytes) -> None:
        """Insert."""
        ...

    async def take_sign_in(self, sign_in_id: ProviderSignInId, secret_hash: bytes) -> ProviderSignIn | None:
        """Use it up, if it is there."""
        ...

    async def linked(self, provider_id: IdentityProviderId, subject: str) -> UserId | None:
        """Who this subject is here."""
        ...

    async def link(self, provider_id: IdentityProviderId, subject: str, user_id: UserId, *, at: datetime) -> None:
        """This subject is this person from now on."""
        ...


class SigningKeys(Protocol):
    """The key pairs."""

    async def hold(self) -> None:
        """Wait until no other transaction rotates."""
        ...

    async def known(self, *, now: datetime) -> list[SigningKey]:
        """Those whose tokens are believed, oldest first; there are not many."""
        ...

    async def get(self, key_id: SigningKeyId) -> SigningKey:
        """Raises SigningKeyNotFound."""
        ...

    async def put(self, key: SigningKey) -> None:
        """Insert or replace."""
        ...


class SigningKeyRotation(Protocol):
    """Renews keys when it is time."""

    async def rotate_due(self) -> list[SigningKeyId]:
        """Let a new key sign wherever one has signed for long enough; the new ones."""
        ...
