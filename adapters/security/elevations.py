"""Elevations in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.ids import ElevationId
from domain.security.people import Elevation, Member, Role
from domain.security.people_errors import ElevationNotFound

_COLUMNS = (
    "id, tenant_id, user_id, role, reason, minutes, break_glass, status, requested_at, decide_by, decided_by, "
    "decided_at, expires_at, ended_at, reviewed_by, reviewed_at, review_note"
)


class PostgresElevations:
    """Who is, was or wants to be more than they are."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, elevation: Elevation) -> None:
        """Insert or replace."""
        names = _COLUMNS.split(", ")
        places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
        changes = ", ".join(f"{name} = excluded.{name}" for name in names[7:])
        await self._sql.execute(
            f"INSERT INTO security_elevation ({_COLUMNS}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {changes}",
            *(getattr(elevation, name) for name in names),
        )

    async def get(self, tenant: TenantId | None, elevation_id: ElevationId) -> Elevation:
        """Locked until the transaction ends. Raises ElevationNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {_COLUMNS} FROM security_elevation "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            elevation_id,
            tenant,
        )
        if row is None:
            raise ElevationNotFound
        return Elevation(**dict(row))

    async def open_of(self, tenant: TenantId, user_id: UserId) -> Sequence[Elevation]:
        """A member's that are requested or active, locked until the transaction ends."""
        rows = await self._sql.fetch(
            f"SELECT {_COLUMNS} FROM security_elevation WHERE tenant_id = $1 AND user_id = $2 "
            "AND status IN ('requested', 'active') ORDER BY id FOR UPDATE",
            tenant,
            user_id,
        )
        return [Elevation(**dict(row)) for row in rows]

    async def page(
        self, tenant: TenantId | None, user_id: UserId | None, *, cursor: str | None, limit: int
    ) -> Page[Elevation]:
        """Newest first; of one person, if one is named."""
        return await newest_first(
            self._session,
            "security_elevation",
            lambda row: Elevation(**dict(row)),
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR user_id = $2)",
            values=(tenant, user_id),
            cursor=cursor,
            limit=limit,
        )

    async def deciders(self, tenant: TenantId, role: Role, *, but: UserId | None) -> Sequence[Member]:
        """Members who could approve this role for somebody else."""
        rows = await self._sql.fetch(
            "SELECT person.id, person.name, person.email, membership.role, membership.joined_at "
            "FROM security_membership AS membership JOIN security_user AS person ON person.id = membership.user_id "
            "WHERE membership.tenant_id = $1 AND membership.user_id IS DISTINCT FROM $2 "
            "AND membership.role IN ('owner', 'admin') "
            "ORDER BY person.id LIMIT 50",
            tenant,
            but,
        )
        return [member for row in rows if (member := Member(**dict(row))).role.covers(role)]

    async def may_break_glass(self, tenant: TenantId, user_id: UserId) -> bool:
        """Whether this member was chosen for emergencies."""
        return bool(
            await self._sql.fetchval(
                "SELECT break_glass FROM security_membership WHERE tenant_id = $1 AND user_id = $2", tenant, user_id
            )
        )

    async def let_break_glass(self, tenant: TenantId, user_id: UserId, *, allowed: bool) -> None:
        """Choose a member for emergencies, or no longer."""
        await self._sql.execute(
            "UPDATE security_membership SET break_glass = $3 WHERE tenant_id = $1 AND user_id = $2",
            tenant,
            user_id,
            allowed,
        )

    async def glass_breakers(self, tenant: TenantId) -> Sequence[Member]:
        """Those who were chosen."""
        rows = await self._sql.fetch(
            "SELECT person.id, person.name, person.email, membership.role, membership.joined_at "
            "FROM security_membership AS membership JOIN security_user AS person ON person.id = membership.user_id "
            "WHERE membership.tenant_id = $1 AND membership.break_glass ORDER BY person.id",
            tenant,
        )
        return [Member(**dict(row)) for row in rows]
