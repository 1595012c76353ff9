"""What security can be asked to do by a process."""

from datetime import datetime

from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.security.ids import (
    ApiKeyId,
    BreachId,
    ElevationId,
    ErasureId,
    InvitationId,
    PasswordResetId,
    ReencryptionId,
    SigningKeyId,
    ThreatId,
)


class ProvisionTenant(Payload):
    """Give this organisation a schema, a role, keys, an owner and a first API key. Ids come from the caller."""

    tenant_id: TenantId
    organisation: str
    owner_id: UserId
    owner_name: str
    owner_email: str
    api_key_id: ApiKeyId
    locale: str
    timezone: str


class TenantReady(Payload):
    """The tenant that now exists."""

    tenant_id: TenantId
    schema_revision: str


class DeprovisionTenant(Payload):
    """Take it all away again, for good."""

    tenant_id: TenantId
    reason: str


class ListTenants(Payload):
    """Active tenants after this one, in order of their ids."""

    after: TenantId | None = None
    limit: int = 200


class TenantPage(Payload):
    """Some tenants; `last` when there are no more."""

    tenant_ids: tuple[TenantId, ...]
    last: bool


class MigrateTenant(Payload):
    """Bring one tenant's schema to the newest revision."""

    tenant_id: TenantId


class TenantMigrated(Payload):
    """The revision the tenant's schema is at now."""

    tenant_id: TenantId
    revision: str


class FailedMigration(Payload):
    """A tenant that stayed behind, and why."""

    tenant_id: TenantId
    code: str
    reason: str


class MigrateTenantsInput(Payload):
    """Where to go on, and how many tenants at once."""

    revision: str
    concurrency: int = 8
    after: TenantId | None = None
    migrated: int = 0
    failed: tuple[FailedMigration, ...] = ()


class MigrateTenantsProgress(Payload):
    """How far it has come; the result at the end."""

    revision: str
    migrated: int
    failed: tuple[FailedMigration, ...]
    finished: bool


class FollowInvitation(Payload):
    """Mail this invitation, and close it when its time is over."""

    tenant_id: TenantId
    invitation_id: InvitationId
    expires_at: datetime


class InvitationState(Payload):
    """Where an invitation's process stands; `next` is what happens at `next_at`, unless it is closed before."""

    outcome: str = ""
    mail: str = ""
    next: str = ""
    next_at: datetime | None = None


class MailPasswordReset(Payload):
    """Mail the link that somebody asked for."""

    tenant_id: TenantId
    user_id: UserId
    password_reset_id: PasswordResetId
    expires_at: datetime


class Addressee(Payload):
    """To whom a link is mailed, in whose name, and in which language. wanted: whether the link still opens anything."""

    organisation: str
    name: str
    email: str
    locale: str
    wanted: bool


NOBODY = Addressee(organisation="", name="", email="", locale="en", wanted=False)


class RotateSigningKeys(Payload):
    """Let a new key sign tokens wherever one has done so for long enough."""


class SigningKeysRotated(Payload):
    """Those that will sign."""

    introduced: tuple[SigningKeyId, ...]


class FollowElevation(Payload):
    """See that it ends, and that everybody whom it concerns knows."""

    tenant_id: TenantId
    elevation_id: ElevationId


class ElevationState(Payload):
    """Where an elevation stands, as its process needs to know."""

    status: str
    break_glass: bool
    role: str
    reason: str
    decide_by: datetime
    expires_at: datetime | None
    reviewed: bool


class Progress(Payload):
    """Where a process stands; `next` is what happens at `next_at`, unless something comes before."""

    status: str = ""
    next: str = ""
    next_at: datetime | None = None


class MailedProgress(Progress):
    """The same of a process that tells people by mail; `mail` says how that went."""

    mail: str = ""


class ElevationProgress(MailedProgress):
    """Where its process stands; `next` is what happens at `next_at`, unless somebody acts before."""


class Told(Payload):
    """Somebody who is told by mail."""

    id: UserId
    name: str
    email: str


class Audience(Payload):
    """Members who are told something, and their tenant."""

    organisation: str
    locale: str
    people: tuple[Told, ...]


class ElevationAudience(Audience):
    """Who can do something about an elevation, and whose it is."""

    who: str


class FollowErasure(Payload):
    """See to it that it is done, and that nothing is left."""

    erasure_id: ErasureId


class ErasureState(Payload):
    """Where an erasure stands, as its process needs to know."""

    status: str
    erase_at: datetime
    keys_destroyed: int
    keys_left: int


class ErasureProgress(Progress):
    """Where its process stands; `next` is what happens at `next_at`, unless it is cancelled before."""

    keys_destroyed: int = 0


class FollowReencryption(Payload):
    """See to it that everything comes under the key, and that nothing is left."""

    reencryption_id: ReencryptionId


class ReencryptionState(Payload):
    """Where a re-encryption stands; noticed_at: from when on no process encrypts with the key before."""

    completed: bool = False
    done: int = 0
    left: int = 0
    noticed_at: datetime | None = None


class DetectThreats(Payload):
    """Look at what was recorded since the last time."""


class ThreatToFollow(Payload):
    """A threat whose process has to begin."""

    tenant_id: TenantId | None
    threat_id: ThreatId


class ThreatsDetected(Payload):
    """How many records were looked at, and which threats nobody follows yet."""

    records: int
    follow: tuple[ThreatToFollow, ...]


class FollowThreat(Payload):
    """See to it that it is answered, and closed when it is over."""

    threat_id: ThreatId


class ThreatState(Payload):
    """Where a threat stands, as its process needs to know. lapses_at: unless more is seen before."""

    tenant_id: TenantId | None
    status: str
    severity: str
    title: str
    done: tuple[str, ...]
    proposed: tuple[str, ...]
    lapses_at: datetime


class ThreatProgress(MailedProgress):
    """Where its process stands; `next` is what happens at `next_at`, unless somebody decides before."""


class FollowBreach(Payload):
    """See to it that everybody is told who has to be."""

    tenant_id: TenantId
    breach_id: BreachId


class BreachState(Payload):
    """Where a breach stands, as its clock needs to know."""

    title: str
    aware_at: datetime
    due_at: datetime
    waits_for_authority: bool
    waits_for_subjects: bool
    closed: bool


class BreachProgress(MailedProgress):
    """Where its clock stands; `next` is what happens at `next_at`, unless something changes before."""
