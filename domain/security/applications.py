"""Registering applications and service accounts."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.errors import RoleAboveYours
from domain.security.grants import revoke_grants
from domain.security.ids import ApplicationId, ClientSecretId, ServiceAccountId
from domain.security.jose import ALGORITHMS, kept, read_keys
from domain.security.oauth import (
    SCOPES,
    Application,
    ClientAuthentication,
    ClientSecret,
    GrantType,
    RevokeReason,
    ServiceAccount,
    refusal_of,
)
from domain.security.oauth_errors import ApplicationInvalid, ApplicationWithoutSecrets, ServiceAccountUnusable
from domain.security.oauth_events import (
    ApplicationDisabled,
    ApplicationRegistered,
    ServiceAccountCreated,
    ServiceAccountDisabled,
)
from domain.security.people import Role
from domain.security.permissions import (
    CREATE_SERVICE_ACCOUNT,
    DISABLE_APPLICATION,
    DISABLE_SERVICE_ACCOUNT,
    REGISTER_APPLICATION,
    ROTATE_CLIENT_SECRET,
)
from domain.security.ports import SecurityUnitOfWork
from domain.security.tokens import CLIENT_SECRET

_WITH_SECRET = (ClientAuthentication.SECRET_BASIC, ClientAuthentication.SECRET_POST)


async def create_service_account(
    uow: SecurityUnitOfWork, account: ServiceAccount, *, by: Role | None, now: datetime
) -> None:
    """Let a program be somebody. `by`: the caller's own role; None is the operator.

    Raises RoleAboveYours, also for an owner: only people own.
    """
    if account.role is Role.OWNER:
        raise RoleAboveYours("a program cannot own a tenant")
    if by is not None and not by.covers(account.role):
        raise RoleAboveYours
    await uow.service_accounts.put(account)
    uow.events.append(
        ServiceAccountCreated(
            service_account_id=account.id, name=account.name, role=account.role.value, occurred_at=now
        ),
        tenant=account.tenant_id,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=account.tenant_id,
            action=CREATE_SERVICE_ACCOUNT.name,
            resource=account.id,
            details={"role": account.role.value},
        )
    )


async def disable_service_account(
    uow: SecurityUnitOfWork, tenant: TenantId | None, account_id: ServiceAccountId, *, now: datetime
) -> ServiceAccount:
    """Let it do nothing any more, from the next request on; for good. Raises ServiceAccountNotFound."""
    account = await uow.service_accounts.get(tenant, account_id)
    if account.disabled_at is not None:
        return account
    disabled = account.model_copy(update={"disabled_at": now})
    await uow.service_accounts.put(disabled)
    live = await uow.grants.live(service_account_id=account_id, now=now)
    await revoke_grants(uow, live, reason=RevokeReason.DISABLED, now=now)
    uow.events.append(ServiceAccountDisabled(service_account_id=account_id, occurred_at=now), tenant=account.tenant_id)
    uow.audit.record(AuditEntry(tenant_id=account.tenant_id, action=DISABLE_SERVICE_ACCOUNT.name, resource=account_id))
    return disabled


def validate(client: Application) -> None:
    """Raises ApplicationInvalid with everything that does not fit together."""
    problems = [f"{uri} {refused}" for uri in client.redirect_uris if (refused := refusal_of(uri))]
    problems += [f"there is no scope {scope}" for scope in client.scopes if scope not in SCOPES]
    grants, alone = set(client.grant_types), GrantType.CLIENT_CREDENTIALS in client.grant_types
    if grants <= {GrantType.REFRESH_TOKEN}:
        problems.append("grantTypes name no way to a first token")
    if (GrantType.AUTHORIZATION_CODE in grants) != bool(client.redirect_uris):
        problems.append("authorization_code needs redirectUris, and they need authorization_code")
    if alone != (client.service_account_id is not None):
        problems.append("client_credentials needs a serviceAccountId to act as, and that needs client_credentials")
    if alone and client.authentication is ClientAuthentication.NONE:
        problems.append("client_credentials needs an application that can prove who it is")
    if (client.authentication is ClientAuthentication.PRIVATE_KEY_JWT) != (client.jwks is not None):
        problems.append("private_key_jwt needs a jwks, and that needs private_key_jwt")
    if client.id_token_algorithm not in ALGORITHMS:
        problems.append(f"idTokenAlgorithm is one of {', '.join(ALGORITHMS)}")
    if client.jwks is not None:
        try:
            read_keys(client.jwks)
        except ValueError as error:
            problems.append(f"jwks: {error}")
    if problems:
        raise ApplicationInvalid(problems=problems)


async def register(
    uow: SecurityUnitOfWork,
    client: Application,
    *,
    by: Role | None,
    secret_id: ClientSecretId,
    randomness: bytes,
    now: datetime,
) -> tuple[Application, str | None]:
    """Register an application, as it is kept; its first secret, if it has secrets. `by`: the caller's own role.

    Raises ApplicationInvalid, ServiceAccountNotFound, ServiceAccountUnusable, RoleAboveYours.
    """
    validate(client)
    if client.service_account_id is not None:
        account = await uow.service_accounts.get(client.tenant_id, client.service_account_id)
        if account.disabled_at is not None:
            raise ServiceAccountUnusable
        if by is not None and not by.covers(account.role):
            raise RoleAboveYours
    if client.jwks is not None:
        client = client.model_copy(update={"jwks": kept(client.jwks)})
    await uow.applications.put(client)
    uow.events.append(
        ApplicationRegistered(
            application_id=client.id,
            name=client.name,
            grant_types=tuple(each.value for each in client.grant_types),
            occurred_at=now,
        ),
        tenant=client.tenant_id,
    )
    uow.audit.record(AuditEntry(tenant_id=client.tenant_id, action=REGISTER_APPLICATION.name, resource=client.id))
    if client.authentication not in _WITH_SECRET:
        return client, None
    return client, await _add_secret(uow, client, secret_id=secret_id, randomness=randomness, now=now)


async def rotate_secret(
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    client_id: ApplicationId,
    *,
    secret_id: ClientSecretId,
    overlap: timedelta,
    randomness: bytes,
    now: datetime,
) -> str:
    """A fresh secret, shown this once; those before work until the overlap ends.

    Raises ApplicationNotFound, ApplicationWithoutSecrets.
    """
    client = await uow.applications.get(tenant, client_id)
    if client.authentication not in _WITH_SECRET or client.disabled_at is not None:
        raise ApplicationWithoutSecrets
    await uow.applications.end_secrets(client_id, at=now + overlap)
    uow.audit.record(
        AuditEntry(
            tenant_id=client.tenant_id,
            action=ROTATE_CLIENT_SECRET.name,
            resource=client_id,
            details={"overlapSeconds": int(overlap.total_seconds())},
        )
    )
    return await _add_secret(uow, client, secret_id=secret_id, randomness=randomness, now=now)


async def disable(
    uow: SecurityUnitOfWork, tenant: TenantId | None, client_id: ApplicationId, *, now: datetime
) -> Application:
    """Let an application do nothing any more, from the next request on; for good. Raises ApplicationNotFound."""
    client = await uow.applications.get(tenant, client_id)
    if client.disabled_at is not None:
        return client
    disabled = client.model_copy(update={"disabled_at": now})
    await uow.applications.put(disabled)
    live = await uow.grants.live(client_id=client_id, now=now)
    await revoke_grants(uow, live, reason=RevokeReason.DISABLED, now=now)
    uow.events.append(ApplicationDisabled(application_id=client_id, occurred_at=now), tenant=client.tenant_id)
    uow.audit.record(AuditEntry(tenant_id=client.tenant_id, action=DISABLE_APPLICATION.name, resource=client_id))
    return disabled


async def _add_secret(
    uow: SecurityUnitOfWork, client: Application, *, secret_id: ClientSecretId, randomness: bytes, now: datetime
) -> str:
    secret, secret_hash = CLIENT_SECRET.mint(secret_id, randomness)
    await uow.applications.add_secret(client.id, ClientSecret(id=secret_id, created_at=now), secret_hash)
    return secret
