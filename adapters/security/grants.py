"""Grants, codes and tokens of applications in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.ids import (
    ApplicationId,
    AuthorizationCodeId,
    DeviceAuthorizationId,
    GrantId,
    RefreshTokenId,
    ServiceAccountId,
)
from domain.security.oauth import (
    AuthorizationCode,
    DeviceAuthorization,
    Grant,
    Holder,
    RefreshToken,
    RevokeReason,
)
from domain.security.oauth_errors import AuthorizationNotFound

_GRANT = (
    "id, tenant_id, client_id, user_id, service_account_id, scopes, factors, proved_at, nonce, created_at, expires_at, "
    "revoked_at, revoke_reason"
)
_CODE = "id, grant_id, redirect_uri, code_challenge, created_at, expires_at, used_at"
_REFRESH = "id, grant_id, created_at, expires_at, used_at"
_DEVICE = (
    "id, client_id, user_code, scopes, created_at, expires_at, interval_seconds, polled_at, denied_at, grant_id, "
    "used_at"
)


class PostgresGrants:
    """What applications may do, and the codes and tokens of it."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, grant: Grant) -> None:
        """Insert."""
        await self._sql.execute(
            f"INSERT INTO security_grant ({_GRANT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            grant.id,
            grant.tenant_id,
            grant.client_id,
            grant.user_id,
            grant.service_account_id,
            list(grant.scopes),
            list(grant.factors),
            grant.proved_at,
            grant.nonce,
            grant.created_at,
            grant.expires_at,
            grant.revoked_at,
            grant.revoke_reason,
        )

    async def get(self, tenant: TenantId | None, grant_id: GrantId) -> Grant:
        """Locked until the transaction ends. Raises AuthorizationNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {_GRANT} FROM security_grant WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            grant_id,
            tenant,
        )
        if row is None:
            raise AuthorizationNotFound
        return Grant(**dict(row))

    async def holder(self, grant_id: GrantId) -> Holder | None:
        """Whom it is for, if they are still there."""
        grant = await self.get(None, grant_id)
        row = await self._sql.fetchrow(
            "SELECT coalesce(membership.role, account.role) AS role, coalesce(person.name, account.name) AS name, "
            "person.email FROM security_grant AS granted "
            "LEFT JOIN security_membership AS membership "
            "ON membership.tenant_id = granted.tenant_id AND membership.user_id = granted.user_id "
            "LEFT JOIN security_user AS person ON person.id = membership.user_id "
            "LEFT JOIN security_service_account AS account "
            "ON account.id = granted.service_account_id AND account.disabled_at IS NULL WHERE granted.id = $1",
            grant_id,
        )
        return Holder(grant=grant, **dict(row)) if row and row["role"] else None

    async def extend(self, grant_id: GrantId, *, to: datetime) -> None:
        """It lives until then."""
        await self._sql.execute("UPDATE security_grant SET expires_at = $2 WHERE id = $1", grant_id, to)

    async def revoke(self, grant_id: GrantId, *, at: datetime, reason: RevokeReason) -> None:
        """Make everything of it useless."""
        await self._sql.execute(
            "UPDATE security_grant SET revoked_at = $2, revoke_reason = $3 WHERE id = $1", grant_id, at, reason
        )

    async def live(
        self,
        *,
        now: datetime,
        user_id: UserId | None = None,
        tenant: TenantId | None = None,
        client_id: ApplicationId | None = None,
        service_account_id: ServiceAccountId | None = None,
    ) -> Sequence[Grant]:
        """Those that may be used, locked until the transaction ends."""
        rows = await self._sql.fetch(
            f"SELECT {_GRANT} FROM security_grant WHERE revoked_at IS NULL AND expires_at > $1 "
            "AND ($2::text IS NULL OR user_id = $2) AND ($3::text IS NULL OR tenant_id = $3) "
            "AND ($4::text IS NULL OR client_id = $4) AND ($5::text IS NULL OR service_account_id = $5) "
            "ORDER BY id DESC FOR UPDATE",
            now,
            user_id,
            tenant,
            client_id,
            service_account_id,
        )
        return [Grant(**dict(row)) for row in rows]

    async def page(
        self, tenant: TenantId | None, user_id: UserId | None, *, cursor: str | None, limit: int
    ) -> Page[Grant]:
        """Newest first, ended ones as well; of one person, if one is named."""
        return await newest_first(
            self._session,
            "security_grant",
            lambda row: Grant(**dict(row)),
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR user_id = $2)",
            values=(tenant, user_id),
            cursor=cursor,
            limit=limit,
        )

    async def add_code(self, code: AuthorizationCode, secret_hash: bytes) -> None:
        """Insert."""
        await self._sql.execute(
            f"INSERT INTO security_authorization_code ({_CODE}, secret_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            code.id,
            code.grant_id,
            code.redirect_uri,
            code.code_challenge,
            code.created_at,
            code.expires_at,
            code.used_at,
            secret_hash,
        )

    async def code(self, code_id: AuthorizationCodeId) -> tuple[AuthorizationCode, bytes] | None:
        """With its hash; locked until the transaction ends."""
        row = await self._sql.fetchrow(
            f"SELECT {_CODE}, secret_hash FROM security_authorization_code WHERE id = $1 FOR UPDATE", code_id
        )
        return (AuthorizationCode(**dict(row)), row["secret_hash"]) if row else None

    async def use_code(self, code_id: AuthorizationCodeId, *, at: datetime) -> None:
        """It was exchanged."""
        await self._sql.execute("UPDATE security_authorization_code SET used_at = $2 WHERE id = $1", code_id, at)

    async def add_refresh_token(self, token: RefreshToken, secret_hash: bytes) -> None:
        """Insert."""
        await self._sql.execute(
            f"INSERT INTO security_refresh_token ({_REFRESH}, secret_hash) VALUES ($1, $2, $3, $4, $5, $6)",
            token.id,
            token.grant_id,
            token.created_at,
            token.expires_at,
            token.used_at,
            secret_hash,
        )

    async def refresh_token(self, token_id: RefreshTokenId) -> tuple[RefreshToken, bytes] | None:
        """With its hash, and its grant locked."""
        grant_id = await self._sql.fetchval("SELECT grant_id FROM security_refresh_token WHERE id = $1", token_id)
        if grant_id is None:
            return None
        # All who come with a token of this family wait here; what they read is what the one before them wrote.
        await self._sql.execute("SELECT 1 FROM security_grant WHERE id = $1 FOR UPDATE", grant_id)
        row = await self._sql.fetchrow(
            f"SELECT {_REFRESH}, secret_hash FROM security_refresh_token WHERE id = $1", token_id
        )
        return (RefreshToken(**dict(row)), row["secret_hash"]) if row else None

    async def use_refresh_token(self, token_id: RefreshTokenId, *, at: datetime) -> None:
        """It was exchanged."""
        await self._sql.execute("UPDATE security_refresh_token SET used_at = $2 WHERE id = $1", token_id, at)

    async def put_device(self, device: DeviceAuthorization, secret_hash: bytes) -> None:
        """Insert, or replace all but the hash."""
        await self._sql.execute(
            f"INSERT INTO security_device_authorization ({_DEVICE}, secret_hash) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO UPDATE "
            "SET (interval_seconds, polled_at, denied_at, grant_id, used_at) = (excluded.interval_seconds, "
            "excluded.polled_at, excluded.denied_at, excluded.grant_id, excluded.used_at)",
            device.id,
            device.client_id,
            device.user_code,
            list(device.scopes),
            device.created_at,
            device.expires_at,
            device.interval_seconds,
            device.polled_at,
            device.denied_at,
            device.grant_id,
            device.used_at,
            secret_hash,
        )

    async def device(self, device_id: DeviceAuthorizationId) -> tuple[DeviceAuthorization, bytes] | None:
        """With its hash; locked until the transaction ends."""
        return _device(
            await self._sql.fetchrow(
                f"SELECT {_DEVICE}, secret_hash FROM security_device_authorization WHERE id = $1 FOR UPDATE", device_id
            )
        )

    async def device_with(
        self, tenant: TenantId, user_code: str, *, now: datetime
    ) -> tuple[DeviceAuthorization, bytes] | None:
        """The one that waits with this code for somebody of this tenant; locked until the transaction ends."""
        return _device(
            await self._sql.fetchrow(
                f"SELECT {_DEVICE}, secret_hash FROM security_device_authorization "
                "WHERE user_code = $2 AND expires_at > $3 AND grant_id IS NULL AND denied_at IS NULL "
                "AND client_id IN (SELECT id FROM security_application WHERE tenant_id = $1 AND disabled_at IS NULL) "
                "FOR UPDATE",
                tenant,
                user_code,
                now,
            )
        )


def _device(row: Any) -> tuple[DeviceAuthorization, bytes] | None:
    return (DeviceAuthorization(**dict(row)), row["secret_hash"]) if row else None
