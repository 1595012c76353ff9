"""Letting applications act for people and service accounts, and taking it back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId, UserId
from domain.security.ids import ApplicationId, GrantId
from domain.security.oauth import Grant, RevokeReason
from domain.security.oauth_events import AuthorizationGranted, AuthorizationRevoked
from domain.security.permissions import GRANT_AUTHORIZATION, REVOKE_AUTHORIZATIONS
from domain.security.ports import SecurityUnitOfWork


async def open_grant(uow: SecurityUnitOfWork, grant: Grant, *, now: datetime) -> None:
    """Let the application act for a person, or as its service account."""
    await uow.grants.add(grant)
    uow.events.append(
        AuthorizationGranted(
            grant_id=grant.id,
            application_id=grant.client_id,
            user_id=grant.user_id,
            service_account_id=grant.service_account_id,
            scopes=grant.scopes,
            expires_at=grant.expires_at,
            occurred_at=now,
        ),
        tenant=grant.tenant_id,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=grant.tenant_id,
            action=GRANT_AUTHORIZATION.name,
            resource=grant.id,
            details={"client": grant.client_id, "scopes": list(grant.scopes)},
        )
    )


async def revoke_grants(
    uow: SecurityUnitOfWork, grants: Iterable[Grant], *, reason: RevokeReason, now: datetime
) -> list[GrantId]:
    """Take them back, from the next request on; those that could still be used."""
    revoked = []
    for grant in grants:
        if grant.revoked_at is not None:
            continue
        await uow.grants.revoke(grant.id, at=now, reason=reason)
        revoked.append(grant.id)
        uow.events.append(
            AuthorizationRevoked(
                grant_id=grant.id,
                application_id=grant.client_id,
                user_id=grant.user_id,
                reason=reason.value,
                occurred_at=now,
            ),
            tenant=grant.tenant_id,
        )
        uow.audit.record(
            AuditEntry(
                tenant_id=grant.tenant_id,
                action=REVOKE_AUTHORIZATIONS.name,
                resource=grant.id,
                details={"client": grant.client_id, "reason": reason.value},
            )
        )
    return revoked


async def revoke_grants_of(
    uow: SecurityUnitOfWork,
    user_id: UserId,
    *,
    tenant: TenantId | None = None,
    client_id: ApplicationId | None = None,
    reason: RevokeReason,
    now: datetime,
) -> list[GrantId]:
    """Take back all that a person has let applications do, in one tenant or everywhere."""
    live = await uow.grants.live(user_id=user_id, tenant=tenant, client_id=client_id, now=now)
    return await revoke_grants(uow, live, reason=reason, now=now)
