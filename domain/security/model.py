"""Tenants, the API keys they come in with, and who is calling."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from domain.kernel.context import ActorKind
from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.kernel.permissions import Scope
from domain.security.events import SECOND_FACTORS, Factor
from domain.security.ids import ApiKeyId, ErasureId, GrantId, PolicyId, ServiceAccountId, SessionId
from domain.security.people import Role

PrincipalId: TypeAlias = ApiKeyId | UserId | ServiceAccountId
_KINDS: dict[type, ActorKind] = {
    ApiKeyId: ActorKind.API_KEY,
    UserId: ActorKind.USER,
    ServiceAccountId: ActorKind.SERVICE_ACCOUNT,
}


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


class ErasureStatus(StrEnum):
    """Whether a tenant's data keys are destroyed."""

    WAITING = "waiting"
    CANCELLED = "cancelled"
    ERASED = "erased"


class Erasure(Payload):
    """What a removed tenant left behind is erased at `erase_at`, unless that is cancelled before."""

    id: ErasureId
    tenant_id: TenantId
    reason: str
    status: ErasureStatus
    requested_at: datetime
    erase_at: datetime
    closed_at: datetime | None = None
    keys_destroyed: int = 0


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
    """Who is calling: an API key, a person or a service account, the tenant it is about, and how far it reaches there.

    session_id: what the person is signed in with; role: what they are in the tenant. None for programs.
    grant_id: what an application acts by, with an access token, for the person or as the service account; granted:
    the token's scopes.
    elevated_from: what a person is otherwise, while they are more for a while.
    factors: what a person proved; proved_at: when they last did.
    """

    id: PrincipalId
    tenant_id: TenantId | None
    scopes: frozenset[Scope]
    session_id: SessionId | None = None
    grant_id: GrantId | None = None
    granted: tuple[str, ...] = ()
    role: Role | None = None
    elevated_from: Role | None = None
    factors: tuple[Factor, ...] = ()
    proved_at: datetime | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this is the platform's own operator."""
        return Scope.OPERATOR in self.scopes

    @property
    def mfa(self) -> bool:
        """Whether they proved more than a password does."""
        return not SECOND_FACTORS.isdisjoint(self.factors)

    @property
    def lasting(self) -> Principal:
        """Who it is without what it has for a while only."""
        if self.elevated_from is None:
            return self
        role = self.elevated_from
        update = {"role": role, "scopes": frozenset({role.scope}), "elevated_from": None}
        return self.model_copy(update=update)

    @property
    def confined_to(self) -> TenantId | None:
        """The only tenant whose things of theirs a person sees: the tenant's own identity provider let them in.

        It could let in anybody as anybody; what they have elsewhere is none of its business.
        """
        return self.tenant_id if Factor.IDENTITY_PROVIDER in self.factors else None

    @property
    def kind(self) -> ActorKind:
        """What kind of caller it is."""
        if self.is_operator:
            return ActorKind.OPERATOR
        return _KINDS[type(self.id)]


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
