"""What security can do, each in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.kernel.audit import AuditEntry, Outcome
from domain.kernel.context import Actor
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Scope
from domain.security.authorization import Decision
from domain.security.commands import DeprovisionTenant, ProvisionTenant
from domain.security.errors import ApiKeyAlreadyClaimed, ApiKeyNotRotatable, TenantDeprovisioned, TenantNotFound
from domain.security.events import ApiKeyCreated, ApiKeyRevoked, PermissionDenied, TenantProvisioned
from domain.security.events import TenantDeprovisioned as TenantDeprovisionedEvent
from domain.security.ids import ApiKeyId, PolicyId
from domain.security.model import ApiKey, ApiKeyStatus, Principal, RevealedApiKey, Tenant, TenantStatus
from domain.security.people import Role, User
from domain.security.ports import SecurityUnitOfWork
from domain.security.tokens import API_KEY


async def provision_tenant(uow: SecurityUnitOfWork, cmd: ProvisionTenant, *, now: datetime) -> Tenant:
    """Make schema, role, owner and an unclaimed API key, once however often we are called.

    Raises TenantDeprovisioned if it was taken away in the meantime.
    """
    await uow.tenants.hold(cmd.tenant_id)
    existing = await uow.tenants.find(cmd.tenant_id)
    if existing is not None:
        if existing.status is TenantStatus.DEPROVISIONED:
            raise TenantDeprovisioned(tenant_id=cmd.tenant_id)
        return existing
    tenant = Tenant(
        id=cmd.tenant_id,
        organisation=cmd.organisation,
        status=TenantStatus.ACTIVE,
        locale=cmd.locale,
        timezone=cmd.timezone,
        schema_revision=await uow.spaces.create(cmd.tenant_id),
        created_at=now,
    )
    await uow.tenants.put(tenant)
    owner = User(id=cmd.owner_id, name=cmd.owner_name, email=cmd.owner_email, created_at=now)
    owner_id = await uow.users.add_missing(owner)
    await uow.members.add_missing(cmd.tenant_id, owner_id, Role.OWNER, at=now)
    await _add_unclaimed_key(uow, cmd, now=now)
    assert tenant.schema_revision is not None
    uow.events.append(
        TenantProvisioned(
            tenant_id=tenant.id,
            organisation=tenant.organisation,
            owner_id=owner_id,
            api_key_id=cmd.api_key_id,
            schema_revision=tenant.schema_revision,
            occurred_at=now,
        )
    )
    uow.audit.record(AuditEntry(tenant_id=tenant.id, action="security.provision_tenant", resource=tenant.id))
    return tenant


async def deprovision_tenant(uow: SecurityUnitOfWork, cmd: DeprovisionTenant, *, now: datetime) -> None:
    """Drop schema and roles, revoke every key, let everybody go; a tenant that never was stays that way."""
    await uow.tenants.hold(cmd.tenant_id)
    tenant = await uow.tenants.find(cmd.tenant_id)
    if tenant is None or tenant.status is TenantStatus.DEPROVISIONED:
        return
    await uow.spaces.drop(cmd.tenant_id)
    await uow.api_keys.revoke_all(cmd.tenant_id, at=now)
    await uow.members.remove_all(cmd.tenant_id)
    await uow.tenants.put(
        tenant.model_copy(
            update={"status": TenantStatus.DEPROVISIONED, "deprovisioned_at": now, "schema_revision": None}
        )
    )
    uow.events.append(TenantDeprovisionedEvent(tenant_id=cmd.tenant_id, reason=cmd.reason, occurred_at=now))
    uow.audit.record(
        AuditEntry(
            tenant_id=cmd.tenant_id,
            action="security.deprovision_tenant",
            resource=cmd.tenant_id,
            details={"reason": cmd.reason},
        )
    )


async def create_api_key(  # noqa: PLR0913 - a key is what these words say
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    *,
    key_id: ApiKeyId,
    label: str,
    scopes: tuple[Scope, ...],
    expires_at: datetime | None,
    randomness: bytes,
    now: datetime,
    replaces: ApiKeyId | None = None,
) -> RevealedApiKey:
    """Make a key and show its secret, this once. Raises TenantNotFound if the tenant is not active."""
    if tenant is not None:
        found = await uow.tenants.find(tenant)
        if found is None or found.status is not TenantStatus.ACTIVE:
            raise TenantNotFound
    secret, secret_hash = API_KEY.mint(key_id, randomness)
    key = ApiKey(
        id=key_id,
        tenant_id=tenant,
        label=label,
        scopes=scopes,
        status=ApiKeyStatus.ACTIVE,
        created_at=now,
        expires_at=expires_at,
        replaces=replaces,
    )
    await uow.api_keys.add(key, secret_hash)
    uow.events.append(ApiKeyCreated(api_key_id=key_id, label=label, scopes=tuple(scopes), occurred_at=now))
    uow.audit.record(AuditEntry(tenant_id=tenant, action="security.create_api_key", resource=key_id))
    return RevealedApiKey(id=key_id, secret=secret)


async def reveal_api_key(
    uow: SecurityUnitOfWork, tenant: TenantId | None, key_id: ApiKeyId, *, randomness: bytes
) -> RevealedApiKey:
    """Give an unclaimed key its secret and show it, this once. Raises ApiKeyNotFound, ApiKeyAlreadyClaimed."""
    key = await uow.api_keys.get(tenant, key_id)
    secret, secret_hash = API_KEY.mint(key_id, randomness)
    if not await uow.api_keys.claim(key_id, secret_hash):
        raise ApiKeyAlreadyClaimed(api_key_id=key_id)
    uow.audit.record(AuditEntry(tenant_id=key.tenant_id, action="security.reveal_api_key", resource=key_id))
    return RevealedApiKey(id=key_id, secret=secret)


async def rotate_api_key(
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    key_id: ApiKeyId,
    *,
    successor: ApiKeyId,
    overlap: timedelta,
    randomness: bytes,
    now: datetime,
) -> RevealedApiKey:
    """Make a key like this one and show its secret, this once; the old one works until the overlap ends.

    A key that was to expire has a successor that lives as long as it was meant to. Raises ApiKeyNotFound,
    ApiKeyNotRotatable if it is not active, has expired, or was rotated before.
    """
    key = await uow.api_keys.get(tenant, key_id)
    has_expired = key.expires_at is not None and key.expires_at <= now
    if key.status is not ApiKeyStatus.ACTIVE or has_expired or await uow.api_keys.is_replaced(key_id):
        raise ApiKeyNotRotatable(api_key_id=key_id)
    made = await create_api_key(
        uow,
        key.tenant_id,
        key_id=successor,
        label=key.label,
        scopes=key.scopes,
        expires_at=key.expires_at and now + (key.expires_at - key.created_at),
        randomness=randomness,
        now=now,
        replaces=key_id,
    )
    await uow.api_keys.expire(key_id, at=now + overlap)
    uow.audit.record(
        AuditEntry(
            tenant_id=key.tenant_id,
            action="security.rotate_api_key",
            resource=key_id,
            details={"successor": successor, "overlapSeconds": int(overlap.total_seconds())},
        )
    )
    return made


async def revoke_api_key(
    uow: SecurityUnitOfWork, tenant: TenantId | None, key_id: ApiKeyId, *, reason: str, now: datetime
) -> ApiKey:
    """Make a key useless; doing so again changes nothing. Raises ApiKeyNotFound."""
    key = await uow.api_keys.get(tenant, key_id)
    if key.status is ApiKeyStatus.REVOKED:
        return key
    await uow.api_keys.revoke(key_id, at=now)
    uow.events.append(ApiKeyRevoked(api_key_id=key_id, reason=reason, occurred_at=now))
    uow.audit.record(
        AuditEntry(
            tenant_id=key.tenant_id, action="security.revoke_api_key", resource=key_id, details={"reason": reason}
        )
    )
    return key.model_copy(update={"status": ApiKeyStatus.REVOKED, "revoked_at": now})


async def record_denial(
    uow: SecurityUnitOfWork, principal: Principal, actor: Actor, decision: Decision, thing: str | None, *, now: datetime
) -> None:
    """Tell everyone that someone known asked for what they may not do."""
    policy = next((PolicyId(id_) for id_ in decision.policies if id_.startswith(f"{PolicyId.prefix}_")), None)
    resource = thing or principal.tenant_id or "platform"
    uow.events.append(
        PermissionDenied(
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=decision.permission.name,
            resource=resource,
            required_scope=None if decision.because else decision.permission.scope,
            policy_id=policy,
            occurred_at=now,
        )
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=principal.tenant_id,
            action=decision.permission.name,
            resource=resource,
            outcome=Outcome.DENIED,
            details={"because": list(decision.because)},
        )
    )


async def _add_unclaimed_key(uow: SecurityUnitOfWork, cmd: ProvisionTenant, *, now: datetime) -> None:
    key = ApiKey(
        id=cmd.api_key_id,
        tenant_id=cmd.tenant_id,
        label="first key",
        scopes=(Scope.ADMIN,),
        status=ApiKeyStatus.UNCLAIMED,
        created_at=now,
    )
    await uow.api_keys.add(key, None)
