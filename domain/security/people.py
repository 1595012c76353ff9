"""People: who they are, where they belong, and the sessions they are signed in with.

A person is known by an e-mail address, once on the whole platform, and may be a member of several tenants.
A session belongs to one person in one tenant.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network

from domain.kernel.ids import TenantId, UserId
from domain.kernel.payload import Payload
from domain.kernel.permissions import Scope
from domain.security.events import Factor
from domain.security.ids import ElevationId, InvitationId, PasskeyChallengeId, PasskeyId, PasswordResetId, SessionId


class Role(StrEnum):
    """What a person is in a tenant. Owners are administrators whom only owners can make and unmake."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def scope(self) -> Scope:
        """How far it reaches, in the words of API keys."""
        return _SCOPES[self]

    def covers(self, other: Role) -> bool:
        """Whether who is this may give and take the other."""
        return _LADDER.index(self) >= _LADDER.index(other)

    @classmethod
    def of_scopes(cls, scopes: Collection[Scope]) -> Role:
        """What an API key with these scopes counts as among members: an administrator at most."""
        return next(role for role in (cls.ADMIN, cls.MEMBER, cls.VIEWER) if role.scope in scopes or role is cls.VIEWER)


_LADDER = (Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.OWNER)
_SCOPES = {Role.OWNER: Scope.ADMIN, Role.ADMIN: Scope.ADMIN, Role.MEMBER: Scope.WRITE, Role.VIEWER: Scope.READ}


class User(Payload):
    """A person on the platform."""

    id: UserId
    name: str
    email: str
    created_at: datetime


class Membership(Payload):
    """What a person is in one of their tenants."""

    tenant_id: TenantId
    organisation: str
    role: Role


class Account(Payload):
    """A person with all that signing in needs to know. password_hash: Argon2id in PHC format; None if there is none.

    password_changed_at: when it was set; hashing it anew in today's terms is no change.
    """

    user: User
    password_hash: str | None
    password_changed_at: datetime | None
    memberships: tuple[Membership, ...]


class Member(Payload):
    """A person in a tenant, as the tenant sees them."""

    id: UserId
    name: str
    email: str
    role: Role
    joined_at: datetime


class EndReason(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - why, not a secret
    MEMBERSHIP_ENDED = "membership_ended"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    THREAT = "threat"


class Session(Payload):
    """A person signed in. Its token is kept as a hash only.

    client_network: /24 for IPv4, /48 for IPv6; user_agent: as the client calls itself; last_seen_at: to the minute;
    expires_at: however busy it is; proved_at: when its holder last proved who they are, by `factors`;
    ended_at: when it was ended before its time.
    """

    id: SessionId
    user_id: UserId
    tenant_id: TenantId
    factors: tuple[Factor, ...]
    client_network: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    proved_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = None


class Totp(Payload):
    """A person's authenticator app. sealed: its secret, encrypted; last_step: the newest code that was used.

    It is demanded once it is confirmed.
    """

    user_id: UserId
    sealed: bytes
    created_at: datetime
    confirmed_at: datetime | None = None
    last_step: int = 0


class Passkey(Payload):
    """A person's passkey. credential_id: as the device names it; public_key: COSE; sign_count: as it last said.

    synced: whether it is kept by more than one device.
    """

    id: PasskeyId
    user_id: UserId
    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    created_at: datetime
    last_used_at: datetime | None = None


class PasskeyChallenge(Payload):
    """Random bytes that a device has to sign, once. user_id: who adds a passkey; None for who signs in with one."""

    id: PasskeyChallengeId
    user_id: UserId | None
    challenge: bytes
    created_at: datetime
    expires_at: datetime


class ElevationStatus(StrEnum):
    """Where it stands. An active one past its time gives nothing, whatever the row still says."""

    REQUESTED = "requested"
    ACTIVE = "active"
    DENIED = "denied"
    EXPIRED = "expired"
    ENDED = "ended"


class Elevation(Payload):
    """A member is, or wants to be, more than they are for so many minutes.

    break_glass: nobody was asked first, so somebody reviews it afterwards.
    """

    id: ElevationId
    tenant_id: TenantId
    user_id: UserId
    role: Role
    reason: str
    minutes: int
    break_glass: bool
    status: ElevationStatus
    requested_at: datetime
    decide_by: datetime
    decided_by: UserId | None = None
    decided_at: datetime | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    reviewed_by: UserId | None = None
    reviewed_at: datetime | None = None
    review_note: str | None = None


class InvitationStatus(StrEnum):
    """Where it stands. An open one past its time is expired, whatever the row still says."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(Payload):
    """Somebody may become a member. invited_by: the id of the user, key or operator."""

    id: InvitationId
    tenant_id: TenantId
    email: str
    role: Role
    status: InvitationStatus
    invited_by: str
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None = None

    def at(self, now: datetime) -> Invitation:
        """As it stands at this instant."""
        if self.status is InvitationStatus.OPEN and self.expires_at <= now:
            return self.model_copy(update={"status": InvitationStatus.EXPIRED, "closed_at": self.expires_at})
        return self


class PasswordReset(Payload):
    """Somebody asked for a link to set a new password. user_id: None if nobody has the address they named."""

    id: PasswordResetId
    user_id: UserId | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


def address_key(email: str) -> str:
    """The same for all ways to write one address: RFC 5321 lets servers tell cases apart, and none does.

    Nothing else is evened out: to some server, other characters are another mailbox.
    """
    return email.strip().lower()


def account_hash(key: bytes, address_key: str) -> str:
    """What stands for an address in events and tries: HMAC-SHA-256 in hexadecimal."""
    return hmac.digest(key, address_key.encode(), "sha256").hex()


def network_of(ip: str | None) -> str:
    """The network an address is counted with: what one household or office has."""
    if ip is None:
        return "unknown"
    address = ip_address(ip.partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))
