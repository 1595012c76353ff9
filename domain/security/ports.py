"""What security asks of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.bus.ports import EventLog
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.ports import AuditTrail
from domain.security.audit_log import AuditVerification, Sealed, VerifyAudit
from domain.security.commands import (
    FollowReencryption,
    ListTenants,
    MigrateTenant,
    ReencryptionState,
    TenantMigrated,
    TenantPage,
)
from domain.security.control_ports import EvidenceStore
from domain.security.ids import ApiKeyId, DataKeyId, ErasureId, ExchangeKeyId, PolicyId, ReencryptionId
from domain.security.key_model import DataKey, ExchangeKey, Reencryption, ReencryptionScope
from domain.security.model import ApiKey, Erasure, Policy, PolicyRevision, Tenant
from domain.security.oauth_ports import (
    Applications,
    Certificates,
    Grants,
    IdentityProviders,
    ServiceAccounts,
    SigningKeys,
)
from domain.security.people_ports import (
    Elevations,
    Invitations,
    Members,
    Passkeys,
    PasswordResets,
    SecondFactors,
    Sessions,
    SignInTries,
    Users,
)
from domain.security.risk_ports import Risks
from domain.security.subject_ports import SubjectRequests
from domain.security.threat_ports import Bans, Breaches, DetectionRules, Threats


class Tenants(Protocol):
    """The organisations, past and present."""

    async def hold(self, tenant_id: TenantId) -> None:
        """Wait until no other transaction provisions or removes this tenant."""
        ...

    async def find(self, tenant_id: TenantId) -> Tenant | None:
        """The tenant, active or not."""
        ...

    async def put(self, tenant: Tenant) -> None:
        """Insert or replace."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[Tenant]:
        """Newest first."""
        ...


class TenantSpaces(Protocol):
    """Schemas and roles. Only the database owner can make and drop them."""

    async def create(self, tenant_id: TenantId) -> str:
        """Make the schema, its role and its tables; returns the schema's revision."""
        ...

    async def drop(self, tenant_id: TenantId) -> None:
        """Drop schema, lake catalogue and roles, whichever of them exist."""
        ...


class ApiKeys(Protocol):
    """The credentials of everyone."""

    async def add(self, key: ApiKey, secret_hash: bytes | None) -> None:
        """Insert a key; without a hash it stays unclaimed."""
        ...

    async def get(self, tenant: TenantId | None, key_id: ApiKeyId) -> ApiKey:
        """Raises ApiKeyNotFound; tenant None may see every key."""
        ...

    async def claim(self, key_id: ApiKeyId, secret_hash: bytes) -> bool:
        """Give an unclaimed key its secret; False if it had one."""
        ...

    async def expire(self, key_id: ApiKeyId, *, at: datetime) -> None:
        """Refuse the key after this instant, unless it ends earlier anyway."""
        ...

    async def is_replaced(self, key_id: ApiKeyId) -> bool:
        """Whether another key replaces it; waits for a concurrent rotation."""
        ...

    async def revoke(self, key_id: ApiKeyId, *, at: datetime) -> None:
        """Make the key useless."""
        ...

    async def revoke_all(self, tenant_id: TenantId, *, at: datetime) -> None:
        """Make every key of the tenant useless."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[ApiKey]:
        """Newest first."""
        ...


class Policies(Protocol):
    """A tenant's access policies, with every revision they had."""

    async def hold(self, tenant: TenantId) -> None:
        """Wait until no other transaction changes this tenant's policies."""
        ...

    async def get(self, tenant: TenantId, policy_id: PolicyId) -> Policy:
        """Raises PolicyNotFound."""
        ...

    async def put(self, tenant: TenantId, policy: Policy) -> None:
        """Insert, or replace the revision before this one."""
        ...

    async def remove(self, tenant: TenantId, policy: Policy) -> None:
        """Delete it; what it was is kept among its revisions, and that it ended with this one."""
        ...

    async def all(self, tenant: TenantId) -> Sequence[Policy]:
        """All of them, oldest first; there are not many."""
        ...

    async def revisions(self, tenant: TenantId, policy_id: PolicyId) -> Sequence[PolicyRevision]:
        """Newest first; also of a policy that was deleted. Raises PolicyNotFound if there never was one."""
        ...


class Erasures(Protocol):
    """What removed tenants left behind, and whether it is to be erased."""

    async def put(self, erasure: Erasure) -> None:
        """Insert or replace."""
        ...

    async def get(self, erasure_id: ErasureId) -> Erasure:
        """Locked until the transaction ends. Raises ErasureNotFound."""
        ...

    async def of(self, tenant: TenantId) -> Erasure | None:
        """The tenant's that waits or was done, if there is one."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[Erasure]:
        """Newest first."""
        ...

    async def destroy_keys(self, tenant: TenantId) -> int:
        """Every data key of the tenant; how many there were."""
        ...

    async def keys_left(self, tenant: TenantId) -> int:
        """How many data keys the tenant has."""
        ...


class AuditSealer(Protocol):
    """The one writer of every audit log."""

    async def seal(self, *, heartbeat: Callable[..., None]) -> Sealed:
        """Give every record its place, and sign a checkpoint of every log that grew."""
        ...


class AuditVerifier(Protocol):
    """Checks audit logs; changes nothing."""

    async def verify(self, cmd: VerifyAudit, *, heartbeat: Callable[..., None]) -> AuditVerification:
        """Check one log, also against checkpoints that were kept elsewhere."""
        ...


class SecurityUnitOfWork(Protocol):
    """One transaction of security."""

    @property
    def tenants(self) -> Tenants: ...
    @property
    def spaces(self) -> TenantSpaces: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def policies(self) -> Policies: ...
    @property
    def users(self) -> Users: ...
    @property
    def members(self) -> Members: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def tries(self) -> SignInTries: ...
    @property
    def second_factors(self) -> SecondFactors: ...
    @property
    def invitations(self) -> Invitations: ...
    @property
    def password_resets(self) -> PasswordResets: ...
    @property
    def passkeys(self) -> Passkeys: ...
    @property
    def erasures(self) -> Erasures: ...
    @property
    def threats(self) -> Threats: ...
    @property
    def risks(self) -> Risks: ...
    @property
    def subjects(self) -> SubjectRequests: ...
    @property
    def evidence(self) -> EvidenceStore: ...
    @property
    def breaches(self) -> Breaches: ...
    @property
    def bans(self) -> Bans: ...
    @property
    def detection_rules(self) -> DetectionRules: ...
    @property
    def data_keys(self) -> DataKeys: ...
    @property
    def exchange_keys(self) -> ExchangeKeys: ...
    @property
    def reencryptions(self) -> Reencryptions: ...
    @property
    def elevations(self) -> Elevations: ...
    @property
    def service_accounts(self) -> ServiceAccounts: ...
    @property
    def applications(self) -> Applications: ...
    @property
    def certificates(self) -> Certificates: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def identity_providers(self) -> IdentityProviders: ...
    @property
    def signing_keys(self) -> SigningKeys: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def audit(self) -> AuditTrail: ...


class KeyManagement(Protocol):
    """Holds the master keys, which wrap data keys and are told to nobody (NIST SP 800-57: key-encryption keys)."""

    @property
    def master_key_id(self) -> str:
        """The one that wraps today."""
        ...

    async def wrap(self, key: bytes, *, context: Mapping[str, str]) -> bytes:
        """Encrypt a key of 32 bytes; the same context, in this order, opens it. Raises MasterKeyUnavailable."""
        ...

    async def unwrap(self, wrapped: bytes, *, master_key_id: str | None, context: Mapping[str, str]) -> bytes:
        """What `wrap` was given, by the key that did it. Raises MasterKeyUnavailable, Undecipherable."""
        ...


class ExchangeKeys(Protocol):
    """Key pairs that outsiders encrypt for."""

    async def put(self, key: ExchangeKey) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId, key_id: ExchangeKeyId) -> ExchangeKey:
        """Locked until the transaction ends. Raises ExchangeKeyNotFound."""
        ...

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[ExchangeKey]:
        """Newest first, revoked ones as well."""
        ...


class DataKeys(Protocol):
    """The wrapped data keys of tenants, and the platform's own."""

    async def rotate(self, fresh: DataKey, wrapped: bytes) -> DataKeyId | None:
        """Encrypt with this one from now on; the one it replaces, if there was one."""
        ...

    async def all(self, owner: str) -> Sequence[DataKey]:
        """Newest first. owner: a tenant's id, or `platform`."""
        ...

    async def emptied(self, owner: str, *, but: DataKeyId, at: datetime) -> None:
        """Nothing at rest is under the retired keys any more."""
        ...


class Reencryptions(Protocol):
    """What brings everything at rest under another key, and did."""

    async def put(self, reencryption: Reencryption) -> None:
        """Insert or replace. Raises ReencryptionUnderWay if the owner has one of this kind under way."""
        ...

    async def get(self, tenant: TenantId | None, reencryption_id: ReencryptionId) -> Reencryption:
        """Locked until the transaction ends; tenant None may see all. Raises ReencryptionNotFound."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Reencryption]:
        """Newest first; tenant None may see all."""
        ...

    async def under_way(self, tenant: TenantId | None, scope: ReencryptionScope) -> Reencryption | None:
        """The owner's of this kind that is not done yet."""
        ...

    async def left(self, reencryption: Reencryption) -> int:
        """How many things are not under the key yet."""
        ...


class Reencryptor(Protocol):
    """Brings things under another key, so many at a time."""

    async def step(self, cmd: FollowReencryption, *, heartbeat: Callable[..., None]) -> ReencryptionState:
        """The next batches, each whole in a transaction of its own; where it stands then. May be done again.

        Raises ReencryptionNotFound, MasterKeyUnavailable.
        """
        ...


class KeyRing(Protocol):
    """Data keys per tenant, wrapped by a master key that never enters the database."""

    async def active(self, tenant: str) -> tuple[str, bytes]:
        """The id and the 32 bytes of the key that encrypts today; made on first use."""
        ...

    async def key(self, key_id: str) -> bytes:
        """The 32 bytes of any key, retired or not. Raises DataKeyNotFound."""
        ...


class TenantMigrations(Protocol):
    """Brings the tenants' schemas to the newest revision, one at a time."""

    async def tenants(self, cmd: ListTenants) -> TenantPage:
        """Active tenants in order of their ids."""
        ...

    async def migrate(self, cmd: MigrateTenant) -> TenantMigrated:
        """Migrate one; a tenant at the head is left alone. Raises TenantNotFound."""
        ...
