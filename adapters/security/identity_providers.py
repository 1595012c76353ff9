"""Identity providers, and who is who there, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.ids import IdentityProviderId, ProviderSignInId
from domain.security.oauth import IdentityProvider, ProviderSignIn
from domain.security.oauth_errors import IdentityProviderNotFound

_PROVIDER = "id, tenant_id, name, issuer, client_id, sealed, redirect_uris, join_as, domains, created_at, disabled_at"
_SIGN_IN = "id, provider_id, redirect_uri, nonce, code_verifier, created_at, expires_at"


class PostgresIdentityProviders:
    """Where a tenant's people have another account."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, provider: IdentityProvider) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_identity_provider ({_PROVIDER}) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
            "ON CONFLICT (id) DO UPDATE SET (name, disabled_at) = (excluded.name, excluded.disabled_at)",
            provider.id,
            provider.tenant_id,
            provider.name,
            provider.issuer,
            provider.client_id,
            provider.sealed,
            list(provider.redirect_uris),
            provider.join_as,
            list(provider.domains),
            provider.created_at,
            provider.disabled_at,
        )

    async def get(self, tenant: TenantId | None, provider_id: IdentityProviderId) -> IdentityProvider:
        """Raises IdentityProviderNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {_PROVIDER} FROM security_identity_provider WHERE id = $1 "
            "AND ($2::text IS NULL OR tenant_id = $2)",
            provider_id,
            tenant,
        )
        if row is None:
            raise IdentityProviderNotFound
        return IdentityProvider(**dict(row))

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[IdentityProvider]:
        """Newest first, disabled ones as well."""
        return await newest_first(
            self._session,
            "security_identity_provider",
            lambda row: IdentityProvider(**dict(row)),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )

    async def add_sign_in(self, sign_in: ProviderSignIn, secret_hash: bytes) -> None:
        """Insert."""
        await self._sql.execute(
            f"INSERT INTO security_provider_sign_in ({_SIGN_IN}, secret_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            sign_in.id,
            sign_in.provider_id,
            sign_in.redirect_uri,
            sign_in.nonce,
            sign_in.code_verifier,
            sign_in.created_at,
            sign_in.expires_at,
            secret_hash,
        )

    async def take_sign_in(self, sign_in_id: ProviderSignInId, secret_hash: bytes) -> ProviderSignIn | None:
        """Use it up, if it is there."""
        row = await self._sql.fetchrow(
            f"DELETE FROM security_provider_sign_in WHERE id = $1 AND secret_hash = $2 RETURNING {_SIGN_IN}",
            sign_in_id,
            secret_hash,
        )
        return ProviderSignIn(**dict(row)) if row else None

    async def linked(self, provider_id: IdentityProviderId, subject: str) -> UserId | None:
        """Who this subject is here."""
        found = await self._sql.fetchval(
            "SELECT user_id FROM security_linked_identity WHERE provider_id = $1 AND subject = $2", provider_id, subject
        )
        return UserId(found) if found else None

    async def link(self, provider_id: IdentityProviderId, subject: str, user_id: UserId, *, at: datetime) -> None:
        """This subject is this person from now on."""
        await self._sql.execute(
            "INSERT INTO security_linked_identity (provider_id, subject, user_id, linked_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            provider_id,
            subject,
            user_id,
            at,
        )
