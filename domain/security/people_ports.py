"""What security asks of the database about people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.events import Factor
from domain.security.ids import ElevationId, InvitationId, PasskeyChallengeId, PasskeyId, PasswordResetId, SessionId
from domain.security.people import (
    Account,
    Elevation,
    EndReason,
    Invitation,
    Member,
    Passkey,
    PasskeyChallenge,
    PasswordReset,
    Role,
    Session,
    Totp,
    User,
)
from domain.security.sign_in_tries import Tries


class Users(Protocol):
    """The people of the platform."""

    async def add_missing(self, person: User) -> UserId:
        """The id of whoever has this address; this person is added if nobody has it."""
        ...

    async def account(self, address_key: str) -> Account | None:
        """The account with this address (see `address_key`), with memberships in active tenants."""
        ...

    async def find(self, user_id: UserId) -> Account | None:
        """The account of a person, if there is one."""
        ...

    async def account_of(self, user_id: UserId) -> Account:
        """The account of a person who is known to exist."""
        ...

    async def hold(self, user_id: UserId) -> Account:
        """The account as it is now; nobody else's transaction changes the person until this one ends."""
        ...

    async def renew_hash(self, user_id: UserId, password_hash: str) -> None:
        """The same password, hashed in today's terms."""
        ...

    async def set_password(self, user_id: UserId, password_hash: str, *, at: datetime) -> None:
        """Replace the hash, or add the first."""
        ...


class Members(Protocol):
    """Who belongs to a tenant."""

    async def hold(self, tenant: TenantId) -> None:
        """Wait until no other transaction changes this tenant's members."""
        ...

    async def add_missing(self, tenant: TenantId, user_id: UserId, role: Role, *, at: datetime) -> bool:
        """Add a membership; False if there was one."""
        ...

    async def get(self, tenant: TenantId, user_id: UserId) -> Member:
        """Raises MemberNotFound."""
        ...

    async def among(self, tenant: TenantId, user_ids: Collection[str]) -> frozenset[str]:
        """Which of these are members."""
        ...

    async def put(self, tenant: TenantId, member: Member) -> None:
        """Change the role."""
        ...

    async def remove(self, tenant: TenantId, user_id: UserId) -> None:
        """End the membership."""
        ...

    async def remove_all(self, tenant: TenantId) -> None:
        """End every membership; whoever then belongs nowhere is forgotten, with password and sessions."""
        ...

    async def owners(self, tenant: TenantId) -> int:
        """How many there are."""
        ...

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[Member]:
        """By descending id of the person."""
        ...


class Sessions(Protocol):
    """The sessions people are or were signed in with."""

    async def add(self, session: Session, secret_hash: bytes) -> None:
        """Insert."""
        ...

    async def get(self, session_id: SessionId) -> Session:
        """Raises SessionNotFound."""
        ...

    async def end(self, session_id: SessionId, *, at: datetime, reason: EndReason) -> None:
        """Make its token useless."""
        ...

    async def end_all(
        self,
        user_id: UserId,
        *,
        at: datetime,
        reason: EndReason,
        tenant: TenantId | None = None,
        keep: SessionId | None = None,
    ) -> list[Session]:
        """End a person's sessions in this tenant, or in all, but for one; those that were ended."""
        ...

    async def page(
        self, tenant: TenantId | None, user_id: UserId | None, *, cursor: str | None, limit: int
    ) -> Page[Session]:
        """Newest first, ended ones as well; of one person, if one is named."""
        ...

    async def prove(self, session_id: SessionId, factors: Sequence[Factor], *, at: datetime) -> None:
        """Its holder has proved who they are, by these factors in all."""
        ...

    async def forget_proofs(self, user_id: UserId, *, tenant: TenantId | None) -> None:
        """Their sessions in this tenant, or in all, go on; who they are has to be proved again for what wants that."""
        ...

    async def live(
        self, user_id: UserId, *, tenant: TenantId | None = None, used_since: datetime, now: datetime
    ) -> list[Session]:
        """A person's sessions that have not ended, in this tenant or in all, newest first; some hundreds at most."""
        ...

    async def were_from(self, user_id: UserId, network: str, *, since: datetime) -> bool:
        """Whether this person has signed in from this network since."""
        ...


class SignInTries(Protocol):
    """Failed tries to sign in, by account and network."""

    async def hold(self, account: str) -> None:
        """Wait until no other transaction counts tries at this account."""
        ...

    async def find(self, account: str, network: str) -> Tries | None:
        """From this network, if there are any."""
        ...

    async def count(self, account: str, *, since: datetime) -> int:
        """From all networks together that had one since."""
        ...

    async def put(self, account: str, network: str, tries: Tries) -> None:
        """Insert or replace."""
        ...

    async def clear(self, account: str, network: str | None = None) -> None:
        """Forget those from this network, or from all."""
        ...


class SecondFactors(Protocol):
    """Authenticator apps and recovery codes."""

    async def totp(self, user_id: UserId) -> Totp | None:
        """A person's app, confirmed or not; locked until the transaction ends."""
        ...

    async def put_totp(self, totp: Totp) -> None:
        """Insert or replace."""
        ...

    async def remove(self, user_id: UserId) -> None:
        """The app, and every recovery code."""
        ...

    async def replace_codes(self, user_id: UserId, hashes: Sequence[bytes]) -> None:
        """These instead of all before."""
        ...

    async def use_code(self, user_id: UserId, code_hash: bytes, *, at: datetime) -> bool:
        """Use up a code; False if there is none like it that is unused."""
        ...

    async def codes_left(self, user_id: UserId) -> int:
        """How many recovery codes are unused."""
        ...


class Invitations(Protocol):
    """Who was asked in."""

    async def find(self, tenant: TenantId | None, invitation_id: InvitationId) -> Invitation | None:
        """Locked until the transaction ends; tenant None may see every one."""
        ...

    async def get(self, tenant: TenantId | None, invitation_id: InvitationId) -> Invitation:
        """The same. Raises InvitationNotFound."""
        ...

    async def open_for(self, tenant: TenantId, address_key: str, *, now: datetime) -> Invitation | None:
        """The open one for this address, if there is one."""
        ...

    async def open_by(self, tenant: TenantId, inviter: str) -> list[Invitation]:
        """The open ones that this user or key has sent."""
        ...

    async def put(self, invitation: Invitation) -> None:
        """Insert or replace."""
        ...

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Invitation]:
        """Newest first."""
        ...


class PasswordResets(Protocol):
    """Who asked for a link to set a password."""

    async def find(self, reset_id: PasswordResetId) -> PasswordReset | None:
        """Locked until the transaction ends."""
        ...

    async def put(self, reset: PasswordReset) -> None:
        """Insert."""
        ...

    async def count(self, user_id: UserId, *, since: datetime) -> int:
        """How many were asked for since."""
        ...

    async def use_all(self, user_id: UserId, *, at: datetime) -> None:
        """Make every link of this person's useless."""
        ...


class Passkeys(Protocol):
    """Passkeys, and what devices have to sign."""

    async def add(self, passkey: Passkey) -> bool:
        """Insert; False if the credential is known."""
        ...

    async def of(self, user_id: UserId) -> list[Passkey]:
        """A person's, newest first."""
        ...

    async def find(self, credential_id: bytes) -> Passkey | None:
        """Locked until the transaction ends."""
        ...

    async def put(self, passkey: Passkey) -> None:
        """It has been used."""
        ...

    async def remove(self, user_id: UserId, passkey_id: PasskeyId) -> None:
        """Raises PasskeyNotFound."""
        ...

    async def add_challenge(self, challenge: PasskeyChallenge) -> None:
        """Insert."""
        ...

    async def take_challenge(self, challenge_id: PasskeyChallengeId) -> PasskeyChallenge | None:
        """Use it up, if it is there."""
        ...


class Elevations(Protocol):
    """Who is, was or wants to be more than they are."""

    async def put(self, elevation: Elevation) -> None:
        """Insert or replace."""
        ...

    async def get(self, tenant: TenantId | None, elevation_id: ElevationId) -> Elevation:
        """Locked until the transaction ends. Raises ElevationNotFound."""
        ...

    async def open_of(self, tenant: TenantId, user_id: UserId) -> Sequence[Elevation]:
        """A member's that are requested or active, locked until the transaction ends."""
        ...

    async def page(
        self, tenant: TenantId | None, user_id: UserId | None, *, cursor: str | None, limit: int
    ) -> Page[Elevation]:
        """Newest first; of one person, if one is named."""
        ...

    async def deciders(self, tenant: TenantId, role: Role, *, but: UserId | None) -> Sequence[Member]:
        """Members who could approve this role for somebody else."""
        ...

    async def may_break_glass(self, tenant: TenantId, user_id: UserId) -> bool:
        """Whether this member was chosen for emergencies."""
        ...

    async def let_break_glass(self, tenant: TenantId, user_id: UserId, *, allowed: bool) -> None:
        """Choose a member for emergencies, or no longer."""
        ...

    async def glass_breakers(self, tenant: TenantId) -> Sequence[Member]:
        """Those who were chosen."""
        ...
