"""What security announces: sign-ins, keys, tenants, threats and policies; never a secret."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, FiniteFloat, PositiveInt

from domain.bus.event import Event, EventId, event
from domain.kernel.audit import Outcome
from domain.kernel.context import ActorKind
from domain.kernel.digests import Sha256
from domain.kernel.ids import TenantId, UserId
from domain.security.ids import (
    ApiKeyId,
    AuditRecordId,
    DataKeyId,
    InvitationId,
    PasswordResetId,
    PolicyId,
    SessionId,
    ThreatId,
)


class Factor(StrEnum):
    """What a person proved at sign-in."""

    PASSWORD = "password"  # noqa: S105 - the kind of proof, not a secret
    PASSKEY = "passkey"
    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    IDENTITY_PROVIDER = "identity_provider"


SECOND_FACTORS = frozenset({Factor.TOTP, Factor.RECOVERY_CODE, Factor.PASSKEY})
"""Those that prove more than a password does."""


class LoginRefusal(StrEnum):
    """Why a sign-in was refused."""

    UNKNOWN_ACCOUNT = "unknown_account"
    WRONG_CREDENTIAL = "wrong_credential"
    WRONG_SECOND_FACTOR = "wrong_second_factor"
    LOCKED = "locked"
    DISABLED = "disabled"
    CREDENTIAL_EXPIRED = "credential_expired"
    LOCATION_FORBIDDEN = "location_forbidden"


class Severity(StrEnum):
    """How much harm is possible (the bands of CVSS 4.0)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ThreatKind(StrEnum):
    """What an attacker seems to try."""

    BRUTE_FORCE = "brute_force"
    CREDENTIAL_STUFFING = "credential_stuffing"
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    TOKEN_REPLAY = "token_replay"  # noqa: S105 - the attack, not a secret
    PRIVILEGE_ESCALATION = "privilege_escalation"
    API_ABUSE = "api_abuse"
    INJECTION = "injection"
    DATA_EXFILTRATION = "data_exfiltration"


class ThreatResponse(StrEnum):
    """What was done at once, without a person."""

    NONE = "none"
    CHALLENGED = "challenged"
    BLOCKED = "blocked"
    SESSION_REVOKED = "session_revoked"
    KEY_REVOKED = "key_revoked"


@event("security.login.success", version="1.0.0", source="security", subject="user_id", consumers=("analytics",))
class LoginSuccess(Event):
    """A person signed in."""

    user_id: UserId
    session_id: SessionId
    factors: tuple[Factor, ...] = Field(min_length=1, description="What was proved, in order.")
    client_network: str = Field(
        description="The client's network: /24 for IPv4, /48 for IPv6.",
        examples=["203.0.113.0/24"],
    )
    country: str | None = Field(
        default=None,
        pattern="^[A-Z]{2}$",
        description="ISO 3166-1 alpha-2, by the network's registration.",
        examples=["NO"],
    )
    is_new_device: bool


@event(
    "security.login.failure",
    version="1.0.0",
    source="security",
    subject="account_hash",
    consumers=("analytics", "notifications"),
)
class LoginFailure(Event):
    """A sign-in was refused."""

    account_hash: Sha256 = Field(
        description="HMAC-SHA-256 of the account name as typed: tries at one account can be counted, "
        "and a password typed into the wrong box is not recorded."
    )
    user_id: UserId | None = Field(default=None, description="The account, if it exists.")
    refusal: LoginRefusal
    failures_in_a_row: PositiveInt = Field(description="At this account, this one included.", examples=[1])
    client_network: str = Field(
        description="The client's network: /24 for IPv4, /48 for IPv6.",
        examples=["203.0.113.0/24"],
    )
    country: str | None = Field(
        default=None,
        pattern="^[A-Z]{2}$",
        description="ISO 3166-1 alpha-2, by the network's registration.",
        examples=["NO"],
    )
    locked_until: AwareDatetime | None = Field(default=None, description="Set if this failure locked the account.")


@event("security.permission.denied", version="1.0.0", source="security", subject="actor_id", consumers=("analytics",))
class PermissionDenied(Event):
    """Someone known asked for something they may not do."""

    actor_kind: ActorKind
    actor_id: str = Field(min_length=1, examples=["usr_01h455vb4pex5vsknk084sn02q"])
    action: str = Field(description="`module.verb`.", examples=["billing.refund_payment"])
    resource: str = Field(
        description="Id of what it should have been done to.", examples=["inv_01h455vb4pex5vsknk084sn02q"]
    )
    required_scope: str | None = Field(
        default=None, description="The scope that was missing, if that was why.", examples=["billing:write"]
    )
    policy_id: PolicyId | None = Field(default=None, description="The policy that forbade it, if one did.")


@event(
    "security.threat.detected",
    version="1.0.0",
    source="security",
    subject="threat_id",
    consumers=("notifications", "analytics"),
)
class ThreatDetected(Event):
    """Behaviour that looks like an attack."""

    threat_id: ThreatId
    kind: ThreatKind
    severity: Severity
    confidence: FiniteFloat = Field(
        ge=0, le=1, description="Estimated probability that it is an attack.", examples=[0.93]
    )
    rule: str = Field(description="Name of the detection rule.", examples=["login-burst"])
    actor_id: str | None = Field(
        default=None,
        description="Id of the user or key involved, if known.",
        examples=["usr_01h455vb4pex5vsknk084sn02q"],
    )
    client_network: str | None = Field(default=None, description="In CIDR notation.", examples=["203.0.113.0/24"])
    first_seen_at: AwareDatetime = Field(examples=["2026-03-01T09:21:00Z"])
    evidence: tuple[EventId, ...] = Field(
        default=(), max_length=100, description="Events it was concluded from, oldest first."
    )
    response: ThreatResponse


@event("security.audit.logged", version="1.0.0", source="security", subject="audit_record_id", consumers=("analytics",))
class AuditLogged(Event):
    """An action was sealed in the tenant's audit log, within a minute of it; its details are read there."""

    audit_record_id: AuditRecordId
    sequence: PositiveInt = Field(description="Its place in the tenant's log, from 1, without gaps.", examples=[90_210])
    actor_kind: ActorKind
    actor_id: str = Field(examples=["usr_01h455vb4pex5vsknk084sn02q"])
    action: str = Field(description="`module.verb`.", examples=["security.create_api_key"])
    resource: str = Field(description="Id of what it was done to.", examples=["key_01h455vb4pex5vsknk084sn02q"])
    outcome: Outcome
    record_sha256: Sha256 = Field(description="The hash chain's link: of this record's leaf and of the link before.")


@event(
    "security.policy.violated",
    version="1.0.0",
    source="security",
    subject="control_id",
    consumers=("notifications", "analytics", "automation"),
)
class PolicyViolated(Event):
    """A control is not satisfied that was, or was not looked at before; told for each framework that asks for it."""

    control_id: str = Field(min_length=1, description="In our catalogue, GET /v1/security/controls.", examples=["ac-1"])
    framework: Literal["soc2", "hipaa", "gdpr", "pci_dss", "internal"]
    control: str = Field(description="The control's id in the framework.", examples=["CC6.1"])
    module: str = Field(description="The module that owns the resource.", examples=["billing"])
    resource: str = Field(examples=["key_01h455vb4pex5vsknk084sn02q"])
    finding: str = Field(description="What is wrong, in one sentence.", examples=["The key is older than 90 days."])
    severity: Severity
    remediate_by: AwareDatetime | None = Field(default=None, description="The deadline that the policy sets, if any.")


@event(
    "security.tenant.provisioned",
    version="1.0.0",
    source="security",
    subject="tenant_id",
    consumers=("analytics", "billing", "notifications"),
)
class TenantProvisioned(Event):
    """A tenant's schema, role, data key, owner and first API key exist."""

    tenant_id: TenantId
    organisation: str = Field(examples=["Fjord Engineering AS"])
    owner_id: UserId
    api_key_id: ApiKeyId
    schema_revision: str = Field(description="The migration that its schema stands at.", examples=["0007"])


@event(
    "security.tenant.deprovisioned",
    version="1.0.0",
    source="security",
    subject="tenant_id",
    consumers=("analytics", "billing", "notifications"),
)
class TenantDeprovisioned(Event):
    """A tenant's access is withdrawn and its schema dropped."""

    tenant_id: TenantId
    reason: str = Field(examples=["onboarding compensated"])


@event("security.api_key.created", version="1.0.0", source="security", subject="api_key_id", consumers=("gateway",))
class ApiKeyCreated(Event):
    """An API key was created."""

    api_key_id: ApiKeyId
    label: str = Field(description="What its owner calls it.", examples=["CI"])
    scopes: tuple[str, ...] = Field(examples=[["billing:read"]])


@event(
    "security.api_key.revoked",
    version="1.0.0",
    source="security",
    subject="api_key_id",
    consumers=("gateway", "collaboration"),
)
class ApiKeyRevoked(Event):
    """An API key stopped working."""

    api_key_id: ApiKeyId
    reason: str = Field(examples=["rotated"])


@event(
    "security.data_key.rotated",
    version="1.0.0",
    source="security",
    subject="data_key_id",
    consumers=("analytics", "billing"),
)
class DataKeyRotated(Event):
    """New data is encrypted with a new key; the previous one still decrypts."""

    data_key_id: DataKeyId
    previous_data_key_id: DataKeyId | None = Field(description="Null for a tenant's first key.")


@event("security.policy.changed", version="1.0.0", source="security", subject="policy_id", consumers=("gateway",))
class PolicyChanged(Event):
    """A tenant's access policy was written, replaced or deleted; requests are decided by it from now on."""

    policy_id: PolicyId
    name: str = Field(examples=["office hours only"])
    revision: PositiveInt = Field(description="Grows by one with each change.", examples=[1])
    enabled: bool = Field(description="Whether it decides anything; false once it is deleted.")
    deleted: bool


@event(
    "security.session.ended",
    version="1.0.0",
    source="security",
    subject="session_id",
    consumers=("gateway", "collaboration"),
)
class SessionEnded(Event):
    """A session was ended before its time; its token no longer works."""

    session_id: SessionId
    user_id: UserId
    reason: str = Field(examples=["signed_out"])


@event("security.member.joined", version="1.0.0", source="security", subject="user_id", consumers=("analytics",))
class MemberJoined(Event):
    """A person became a member of a tenant."""

    user_id: UserId
    role: str = Field(examples=["member"])


@event("security.member.left", version="1.0.0", source="security", subject="user_id", consumers=("analytics",))
class MemberLeft(Event):
    """A person is no longer a member of a tenant."""

    user_id: UserId
    role: str = Field(description="What they were.", examples=["member"])


@event("security.member.role_changed", version="1.0.0", source="security", subject="user_id", consumers=("analytics",))
class MemberRoleChanged(Event):
    """A member is something else from now on."""

    user_id: UserId
    role: str = Field(examples=["admin"])
    previous_role: str = Field(examples=["member"])


@event("security.password.changed", version="1.0.0", source="security", subject="user_id", consumers=("analytics",))
class PasswordChanged(Event):
    """A person has a new password."""

    user_id: UserId
    by_link: bool = Field(description="Whether a mailed link proved who they are, instead of the password before.")


@event(
    "security.password.reset_requested",
    version="1.0.0",
    source="security",
    subject="password_reset_id",
    consumers=("automation", "notifications"),
)
class PasswordResetRequested(Event):
    """Somebody asked for a link to set a new password for this person; it is to be mailed to them."""

    tenant_id: TenantId = Field(description="The tenant in whose name it is mailed.")
    user_id: UserId
    password_reset_id: PasswordResetId
    expires_at: AwareDatetime = Field(description="After this instant the link is useless.")


@event(
    "security.invitation.created",
    version="1.0.0",
    source="security",
    subject="invitation_id",
    consumers=("automation", "notifications"),
)
class InvitationCreated(Event):
    """Somebody is asked to become a member of a tenant; the link is to be mailed to them."""

    tenant_id: TenantId
    invitation_id: InvitationId
    role: str = Field(examples=["member"])
    expires_at: AwareDatetime = Field(description="After this instant the link is useless.")


@event(
    "security.invitation.closed",
    version="1.0.0",
    source="security",
    subject="invitation_id",
    consumers=("automation", "analytics"),
)
class InvitationClosed(Event):
    """An invitation was accepted or revoked, or its time is over."""

    tenant_id: TenantId
    invitation_id: InvitationId
    outcome: str = Field(examples=["accepted"])


@event(
    "security.second_factor.changed",
    version="1.0.0",
    source="security",
    subject="user_id",
    consumers=("analytics", "notifications"),
)
class SecondFactorChanged(Event):
    """A person signs in with a second factor from now on, or no longer, or has new recovery codes."""

    user_id: UserId
    change: str = Field(examples=["enabled"])
