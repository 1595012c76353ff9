"""Tenants, their people, and the API keys they come in with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.kernel.context import ActorKind
from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.kernel.permissions import Scope
from domain.security.ids import ApiKeyId, PolicyId


class TenantStatus(StrEnum):
    """Whether a tenant exists, or once did."""

    ACTIVE = "active"
    DEPROVISIONED = "deprovisioned"


class Tenant(Payload):
    """An organisation with a schema, a database role and keys of its own."""

    id: TenantId
    organisation: str
    status: TenantStatus
    locale: str
    timezone: str
    schema_revision: str | None
    created_at: datetime
    deprovisioned_at: datetime | None = None


class Role(StrEnum):
    """What a person is in a tenant."""

    OWNER = "owner"
    MEMBER = "member"


class User(Payload):
    """A person in a tenant."""

    id: UserId
    name: str
    email: str
    role: Role
    created_at: datetime


class ApiKeyStatus(StrEnum):
    """`unclaimed` keys have no secret yet; revealing one gives it its only secret."""

    UNCLAIMED = "unclaimed"
    ACTIVE = "active"
    REVOKED = "revoked"


class ApiKey(Payload):
    """A credential of a tenant (or of the operator: no tenant). Its secret is kept as a hash only.

    last_used_at: to the minute or so; replaces: the key whose rotation made this one.
    """

    id: ApiKeyId
    tenant_id: TenantId | None
    label: str
    scopes: tuple[Scope, ...]
    status: ApiKeyStatus
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    replaces: ApiKeyId | None = None


class RevealedApiKey(Payload):
    """A key with its secret: the only time anyone sees it."""

    id: ApiKeyId
    secret: str


class Principal(Payload):
    """Who is calling: an API key, the tenant it belongs to and what it may be used for."""

    key_id: ApiKeyId
    tenant_id: TenantId | None
    scopes: frozenset[Scope]

    @property
    def is_operator(self) -> bool:
        """Whether this is the platform's own operator."""
        return Scope.OPERATOR in self.scopes


class Entitlements(Payload):
    """What a tenant's plan includes. plan: its code; empty if there is none."""

    plan: str = ""
    features: frozenset[str] = frozenset()


class Policy(Payload):
    """A tenant's rule in Cedar. Disabled ones are kept, and decide nothing.

    revision: grows with each change; every revision is kept.
    """

    id: PolicyId
    name: str
    description: str
    text: str
    enabled: bool
    revision: int
    created_at: datetime
    updated_at: datetime


class PolicyRevision(Payload):
    """A policy as it once was, and who made it so. deleted: from then on there was none."""

    revision: int
    name: str
    description: str
    text: str
    enabled: bool
    deleted: bool
    recorded_at: datetime
    actor_kind: ActorKind
    actor_id: str
