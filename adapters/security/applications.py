"""Service accounts and applications in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.ids import ApplicationId, ClientSecretId, ServiceAccountId
from domain.security.oauth import Application, ClientSecret, ServiceAccount
from domain.security.oauth_errors import ApplicationNotFound, ServiceAccountNotFound

_ACCOUNT = "id, tenant_id, name, role, created_at, disabled_at"
_CLIENT = (
    "id, tenant_id, name, grant_types, redirect_uris, scopes, authentication, jwks, service_account_id, "
    "id_token_algorithm, created_at, disabled_at"
)


class PostgresServiceAccounts:
    """Programs that are somebody."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, account: ServiceAccount) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_service_account ({_ACCOUNT}) VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (id) DO UPDATE SET (name, role, disabled_at) "
            "= (excluded.name, excluded.role, excluded.disabled_at)",
            account.id,
            account.tenant_id,
            account.name,
            account.role,
            account.created_at,
            account.disabled_at,
        )

    async def get(self, tenant: TenantId | None, account_id: ServiceAccountId) -> ServiceAccount:
        """Locked until the transaction ends. Raises ServiceAccountNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {_ACCOUNT} FROM security_service_account "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            account_id,
            tenant,
        )
        if row is None:
            raise ServiceAccountNotFound
        return ServiceAccount(**dict(row))

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[ServiceAccount]:
        """Newest first."""
        return await newest_first(
            self._session,
            "security_service_account",
            lambda row: ServiceAccount(**dict(row)),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )


class PostgresApplications:
    """Applications."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, client: Application) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_application ({_CLIENT}) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
            "ON CONFLICT (id) DO UPDATE SET (name, disabled_at) = (excluded.name, excluded.disabled_at)",
            client.id,
            client.tenant_id,
            client.name,
            list(client.grant_types),
            list(client.redirect_uris),
            list(client.scopes),
            client.authentication,
            client.jwks,
            client.service_account_id,
            client.id_token_algorithm,
            client.created_at,
            client.disabled_at,
        )

    async def get(self, tenant: TenantId | None, client_id: ApplicationId) -> Application:
        """Locked until the transaction ends. Raises ApplicationNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {_CLIENT} FROM security_application "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            client_id,
            tenant,
        )
        if row is None:
            raise ApplicationNotFound
        [client] = await self._with_secrets([Application(**dict(row))])
        return client

    async def find(self, client_id: ApplicationId) -> Application | None:
        """One that is not disabled, of a tenant that is active."""
        row = await self._sql.fetchrow(
            f"SELECT {_CLIENT} FROM security_application WHERE id = $1 AND disabled_at IS NULL "
            "AND EXISTS (SELECT 1 FROM security_tenant AS tenant WHERE tenant.id = tenant_id AND status = 'active')",
            client_id,
        )
        return Application(**dict(row)) if row else None

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Application]:
        """Newest first."""
        page = await newest_first(
            self._session,
            "security_application",
            lambda row: Application(**dict(row)),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )
        return Page(items=await self._with_secrets(page.items), next_cursor=page.next_cursor)

    async def add_secret(self, client_id: ApplicationId, secret: ClientSecret, secret_hash: bytes) -> None:
        """Insert."""
        await self._sql.execute(
            "INSERT INTO security_client_secret (id, client_id, secret_hash, created_at, expires_at) "
            "VALUES ($1, $2, $3, $4, $5)",
            secret.id,
            client_id,
            secret_hash,
            secret.created_at,
            secret.expires_at,
        )

    async def end_secrets(self, client_id: ApplicationId, *, at: datetime) -> None:
        """Refuse those there are after this instant, unless they end earlier."""
        await self._sql.execute(
            "UPDATE security_client_secret SET expires_at = least(expires_at, $2) WHERE client_id = $1", client_id, at
        )

    async def secrets(self, client_id: ApplicationId, *, now: datetime) -> dict[ClientSecretId, bytes]:
        """Hashes of those that work."""
        rows = await self._sql.fetch(
            "SELECT id, secret_hash FROM security_client_secret "
            "WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
            client_id,
            now,
        )
        return {ClientSecretId(row["id"]): row["secret_hash"] for row in rows}

    async def use_assertion(self, client_id: ApplicationId, jti: str, *, ends: float) -> bool:
        """Remember an assertion until it ends; False if it was used before."""
        fresh = await self._sql.fetchval(
            "INSERT INTO security_client_assertion (client_id, jti, expires_at) VALUES ($1, $2, to_timestamp($3)) "
            "ON CONFLICT DO NOTHING RETURNING true",
            client_id,
            jti,
            ends,
        )
        return bool(fresh)

    async def _with_secrets(self, clients: list[Application]) -> list[Application]:
        rows = await self._sql.fetch(
            "SELECT client_id, id, created_at, expires_at FROM security_client_secret WHERE client_id = ANY($1) "
            "ORDER BY id DESC",
            [client.id for client in clients],
        )
        return [
            client.model_copy(
                update={
                    "secrets": tuple(
                        ClientSecret(id=row["id"], created_at=row["created_at"], expires_at=row["expires_at"])
                        for row in rows
                        if row["client_id"] == client.id
                    )
                }
            )
            for client in clients
        ]
