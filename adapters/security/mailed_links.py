"""Invitations and password resets in PostgreSQL: what a mailed link stands for."""

from __future__ import annotations

from datetime import datetime

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.ids import InvitationId, PasswordResetId
from domain.security.people import Invitation, PasswordReset, address_key
from domain.security.people_errors import InvitationNotFound

_INVITATION = "id, tenant_id, email, role, status, invited_by, created_at, expires_at, closed_at"


class PostgresInvitations:
    """Who was asked in."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def find(self, tenant: TenantId | None, invitation_id: InvitationId) -> Invitation | None:
        """Locked until the transaction ends."""
        row = await self._sql.fetchrow(
            f"SELECT {_INVITATION} FROM security_invitation "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            invitation_id,
            tenant,
        )
        return Invitation(**dict(row)) if row else None

    async def get(self, tenant: TenantId | None, invitation_id: InvitationId) -> Invitation:
        """Raises InvitationNotFound."""
        found = await self.find(tenant, invitation_id)
        if found is None:
            raise InvitationNotFound
        return found

    async def open_for(self, tenant: TenantId, address_key: str, *, now: datetime) -> Invitation | None:
        """The open one for this address."""
        row = await self._sql.fetchrow(
            f"SELECT {_INVITATION} FROM security_invitation "
            "WHERE tenant_id = $1 AND address_key = $2 AND status = 'open' AND expires_at > $3",
            tenant,
            address_key,
            now,
        )
        return Invitation(**dict(row)) if row else None

    async def open_by(self, tenant: TenantId, inviter: str) -> list[Invitation]:
        """The open ones that this user or key has sent."""
        rows = await self._sql.fetch(
            f"SELECT {_INVITATION} FROM security_invitation "
            "WHERE tenant_id = $1 AND invited_by = $2 AND status = 'open' FOR UPDATE",
            tenant,
            inviter,
        )
        return [Invitation(**dict(row)) for row in rows]

    async def put(self, invitation: Invitation) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_invitation ({_INVITATION}, address_key) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
            "ON CONFLICT (id) DO UPDATE SET (status, closed_at) = (excluded.status, excluded.closed_at)",
            invitation.id,
            invitation.tenant_id,
            invitation.email,
            invitation.role,
            invitation.status,
            invitation.invited_by,
            invitation.created_at,
            invitation.expires_at,
            invitation.closed_at,
            address_key(invitation.email),
        )

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Invitation]:
        """Newest first."""
        return await newest_first(
            self._session,
            "security_invitation",
            lambda row: Invitation(**{name: row[name] for name in _INVITATION.split(", ")}),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )


class PostgresPasswordResets:
    """Who asked for a link to set a password."""

    def __init__(self, session: Session) -> None:
        self._sql = session.sql

    async def find(self, reset_id: PasswordResetId) -> PasswordReset | None:
        """Locked until the transaction ends."""
        row = await self._sql.fetchrow(
            "SELECT id, user_id, created_at, expires_at, used_at FROM security_password_reset WHERE id = $1 FOR UPDATE",
            reset_id,
        )
        return PasswordReset(**dict(row)) if row else None

    async def put(self, reset: PasswordReset) -> None:
        """Insert."""
        await self._sql.execute(
            "INSERT INTO security_password_reset (id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
            reset.id,
            reset.user_id,
            reset.created_at,
            reset.expires_at,
        )

    async def count(self, user_id: UserId, *, since: datetime) -> int:
        """How many were asked for since."""
        number: int = await self._sql.fetchval(
            "SELECT count(*) FROM security_password_reset WHERE user_id = $1 AND created_at > $2", user_id, since
        )
        return number

    async def use_all(self, user_id: UserId, *, at: datetime) -> None:
        """Make every link of this person's useless."""
        await self._sql.execute(
            "UPDATE security_password_reset SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL", user_id, at
        )
