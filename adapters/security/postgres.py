"""Security's tenants and API keys in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.postgres.answers import PostgresAnswers
from adapters.postgres.rows import hold, newest_first
from adapters.postgres.session import Session
from adapters.security.applications import PostgresApplications, PostgresServiceAccounts
from adapters.security.breaches import PostgresBreaches
from adapters.security.certificates import PostgresCertificates
from adapters.security.elevations import PostgresElevations
from adapters.security.erasures import PostgresErasures
from adapters.security.evidence import PostgresEvidence
from adapters.security.exchange_keys import PostgresExchangeKeys
from adapters.security.grants import PostgresGrants
from adapters.security.identity_providers import PostgresIdentityProviders
from adapters.security.keyring import PostgresDataKeys
from adapters.security.mailed_links import PostgresInvitations, PostgresPasswordResets
from adapters.security.passkeys import PostgresPasskeys
from adapters.security.people import PostgresMembers, PostgresSessions, PostgresSignInTries, PostgresUsers
from adapters.security.policies import PostgresPolicies
from adapters.security.reencryption import PostgresReencryptions
from adapters.security.risks import PostgresRisks
from adapters.security.second_factors import PostgresSecondFactors
from adapters.security.signing_keys import PostgresSigningKeys
from adapters.security.spaces import PostgresTenantSpaces
from adapters.security.subjects import PostgresSubjectRequests
from adapters.security.threats import PostgresBans, PostgresDetectionRules, PostgresThreats
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.errors import ApiKeyNotFound
from domain.security.ids import ApiKeyId
from domain.security.model import ApiKey, Tenant

_TENANT = "id, organisation, status, locale, timezone, schema_revision, created_at, deprovisioned_at"
_KEY = "id, tenant_id, label, scopes, status, created_at, expires_at, revoked_at, last_used_at, replaces"


class PostgresTenants:
    """The organisations."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(self, tenant_id: TenantId) -> None:
        """Wait for others who provision or remove this tenant."""
        await hold(self._session, f"security_tenant/{tenant_id}")

    async def find(self, tenant_id: TenantId) -> Tenant | None:
        """The tenant, active or not."""
        row = await self._session.sql.fetchrow(f"SELECT {_TENANT} FROM security_tenant WHERE id = $1", tenant_id)
        return Tenant(**dict(row)) if row else None

    async def put(self, tenant: Tenant) -> None:
        """Insert or replace."""
        await self._session.sql.execute(
            f"INSERT INTO security_tenant ({_TENANT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
            "ON CONFLICT (id) DO UPDATE SET (organisation, status, schema_revision, deprovisioned_at) "
            "= (excluded.organisation, excluded.status, excluded.schema_revision, excluded.deprovisioned_at)",
            tenant.id,
            tenant.organisation,
            tenant.status,
            tenant.locale,
            tenant.timezone,
            tenant.schema_revision,
            tenant.created_at,
            tenant.deprovisioned_at,
        )

    async def page(self, *, cursor: str | None, limit: int) -> Page[Tenant]:
        """Newest first."""
        return await newest_first(
            self._session, "security_tenant", lambda row: Tenant(**dict(row)), cursor=cursor, limit=limit
        )


class PostgresApiKeys:
    """The credentials."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, key: ApiKey, secret_hash: bytes | None) -> None:
        """Insert."""
        await self._session.sql.execute(
            f"INSERT INTO security_api_key ({_KEY}, secret_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            key.id,
            key.tenant_id,
            key.label,
            list(key.scopes),
            key.status,
            key.created_at,
            key.expires_at,
            key.revoked_at,
            key.last_used_at,
            key.replaces,
            secret_hash,
        )

    async def get(self, tenant: TenantId | None, key_id: ApiKeyId) -> ApiKey:
        """Raises ApiKeyNotFound."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_KEY} FROM security_api_key WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2)",
            key_id,
            tenant,
        )
        if row is None:
            raise ApiKeyNotFound
        return _key(row)

    async def claim(self, key_id: ApiKeyId, secret_hash: bytes) -> bool:
        """Give an unclaimed key its secret."""
        claimed = await self._session.sql.fetchval(
            "UPDATE security_api_key SET status = 'active', secret_hash = $2 "
            "WHERE id = $1 AND status = 'unclaimed' RETURNING true",
            key_id,
            secret_hash,
        )
        return bool(claimed)

    async def expire(self, key_id: ApiKeyId, *, at: datetime) -> None:
        """Refuse it after this instant, or earlier if it was to end earlier."""
        await self._session.sql.execute(
            "UPDATE security_api_key SET expires_at = least(expires_at, $2) WHERE id = $1", key_id, at
        )

    async def is_replaced(self, key_id: ApiKeyId) -> bool:
        """Whether another key replaces it."""
        await hold(self._session, f"security_api_key/rotate/{key_id}")
        return bool(await self._session.sql.fetchval("SELECT true FROM security_api_key WHERE replaces = $1", key_id))

    async def revoke(self, key_id: ApiKeyId, *, at: datetime) -> None:
        """Make it useless."""
        await self._session.sql.execute(
            "UPDATE security_api_key SET status = 'revoked', revoked_at = $2 WHERE id = $1", key_id, at
        )

    async def revoke_all(self, tenant_id: TenantId, *, at: datetime) -> None:
        """Make the tenant's keys useless."""
        await self._session.sql.execute(
            "UPDATE security_api_key SET status = 'revoked', revoked_at = $2 "
            "WHERE tenant_id = $1 AND status <> 'revoked'",
            tenant_id,
            at,
        )

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[ApiKey]:
        """Newest first."""
        return await newest_first(
            self._session,
            "security_api_key",
            _key,
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )


class PostgresSecurityUnitOfWork:
    """One transaction of security."""

    def __init__(self, session: Session) -> None:
        self.tenants = PostgresTenants(session)
        self.spaces = PostgresTenantSpaces(session)
        self.api_keys = PostgresApiKeys(session)
        self.policies = PostgresPolicies(session)
        self.users = PostgresUsers(session)
        self.members = PostgresMembers(session)
        self.sessions = PostgresSessions(session)
        self.tries = PostgresSignInTries(session)
        self.second_factors = PostgresSecondFactors(session)
        self.invitations = PostgresInvitations(session)
        self.password_resets = PostgresPasswordResets(session)
        self.passkeys = PostgresPasskeys(session)
        self.erasures = PostgresErasures(session)
        self.threats = PostgresThreats(session)
        self.breaches = PostgresBreaches(session)
        self.risks = PostgresRisks(session)
        self.subjects = PostgresSubjectRequests(session)
        self.evidence = PostgresEvidence(session)
        self.bans = PostgresBans(session)
        self.detection_rules = PostgresDetectionRules(session)
        self.data_keys = PostgresDataKeys(session)
        self.exchange_keys = PostgresExchangeKeys(session)
        self.reencryptions = PostgresReencryptions(session)
        self.elevations = PostgresElevations(session)
        self.service_accounts = PostgresServiceAccounts(session)
        self.applications = PostgresApplications(session)
        self.certificates = PostgresCertificates(session)
        self.grants = PostgresGrants(session)
        self.identity_providers = PostgresIdentityProviders(session)
        self.signing_keys = PostgresSigningKeys(session)
        self.answers = PostgresAnswers(session)
        self.events = session
        self.audit = session


def _key(row: Any) -> ApiKey:
    return ApiKey(**{name: row[name] for name in _KEY.split(", ")})
