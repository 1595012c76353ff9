"""People, memberships and sessions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from adapters.postgres.rows import hold, newest_first
from adapters.postgres.session import Session as Transaction
from domain.kernel.ids import TenantId, UserId
from domain.kernel.pagination import Page
from domain.security.events import Factor
from domain.security.ids import SessionId
from domain.security.people import Account, EndReason, Member, Membership, Role, Session, User, address_key
from domain.security.people_errors import MemberNotFound, SessionNotFound
from domain.security.sign_in_tries import Tries

_SESSION = (
    "id, user_id, tenant_id, factors, client_network, user_agent, created_at, last_seen_at, expires_at, "
    "proved_at, ended_at, end_reason"
)
_MEMBER = """
SELECT person.id, person.name, person.email, membership.role, membership.joined_at
FROM security_membership AS membership JOIN security_user AS person ON person.id = membership.user_id
WHERE membership.tenant_id = $1
"""


class PostgresUsers:
    """The people of the platform."""

    def __init__(self, session: Transaction) -> None:
        self._sql = session.sql

    async def add_missing(self, person: User) -> UserId:
        """The id of whoever has this address; this person is added if nobody has it."""
        key = address_key(person.email)
        # The update changes nothing: it makes the row that was there come back, locked.
        found = await self._sql.fetchval(
            "INSERT INTO security_user (id, name, email, address_key, created_at) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (address_key) DO UPDATE SET address_key = excluded.address_key RETURNING id",
            person.id,
            person.name,
            person.email,
            key,
            person.created_at,
        )
        return UserId(found)

    async def account(self, address_key: str) -> Account | None:
        """The account with this address."""
        return await self._account("person.address_key = $1", address_key)

    async def find(self, user_id: UserId) -> Account | None:
        """The account of a person."""
        return await self._account("person.id = $1", user_id)

    async def account_of(self, user_id: UserId) -> Account:
        """The account of a person who exists."""
        account = await self.find(user_id)
        assert account is not None, "a person who can be named exists"
        return account

    async def _account(self, where: str, value: str) -> Account | None:
        row = await self._sql.fetchrow(
            "SELECT person.id, person.name, person.email, person.created_at, password.hash, password.changed_at "
            "FROM security_user AS person LEFT JOIN security_password AS password ON password.user_id = person.id "
            f"WHERE {where}",
            value,
        )
        if row is None:
            return None
        memberships = await self._sql.fetch(
            "SELECT tenant.id AS tenant_id, tenant.organisation, membership.role "
            "FROM security_membership AS membership JOIN security_tenant AS tenant ON tenant.id = membership.tenant_id "
            "WHERE membership.user_id = $1 AND tenant.status = 'active' ORDER BY membership.joined_at, tenant.id",
            row["id"],
        )
        return Account(
            user=User(id=row["id"], name=row["name"], email=row["email"], created_at=row["created_at"]),
            password_hash=row["hash"],
            password_changed_at=row["changed_at"],
            memberships=tuple(Membership(**dict(each)) for each in memberships),
        )

    async def hold(self, user_id: UserId) -> Account:
        """The account as it is now, and stays until this transaction ends."""
        await self._sql.execute("SELECT 1 FROM security_user WHERE id = $1 FOR UPDATE", user_id)
        return await self.account_of(user_id)

    async def renew_hash(self, user_id: UserId, password_hash: str) -> None:
        """The same password, hashed in today's terms."""
        await self._sql.execute("UPDATE security_password SET hash = $2 WHERE user_id = $1", user_id, password_hash)

    async def set_password(self, user_id: UserId, password_hash: str, *, at: datetime) -> None:
        """Replace the hash, or add the first."""
        await self._sql.execute(
            "INSERT INTO security_password (user_id, hash, changed_at) VALUES ($1, $2, $3) "
            "ON CONFLICT (user_id) DO UPDATE SET (hash, changed_at) = (excluded.hash, excluded.changed_at)",
            user_id,
            password_hash,
            at,
        )


class PostgresMembers:
    """Who belongs to a tenant."""

    def __init__(self, session: Transaction) -> None:
        self._session, self._sql = session, session.sql

    async def hold(self, tenant: TenantId) -> None:
        """Wait for others who change this tenant's members."""
        await hold(self._session, f"security_membership/{tenant}")

    async def add_missing(self, tenant: TenantId, user_id: UserId, role: Role, *, at: datetime) -> bool:
        """Add a membership; False if there was one."""
        added = await self._sql.fetchval(
            "INSERT INTO security_membership (tenant_id, user_id, role, joined_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING RETURNING true",
            tenant,
            user_id,
            role,
            at,
        )
        return bool(added)

    async def get(self, tenant: TenantId, user_id: UserId) -> Member:
        """Raises MemberNotFound."""
        row = await self._sql.fetchrow(f"{_MEMBER} AND membership.user_id = $2", tenant, user_id)
        if row is None:
            raise MemberNotFound
        return Member(**dict(row))

    async def among(self, tenant: TenantId, user_ids: Collection[str]) -> frozenset[str]:
        """Which of these are members."""
        rows = await self._sql.fetch(
            "SELECT user_id FROM security_membership WHERE tenant_id = $1 AND user_id = ANY($2)", tenant, list(user_ids)
        )
        return frozenset(row["user_id"] for row in rows)

    async def put(self, tenant: TenantId, member: Member) -> None:
        """Change the role."""
        await self._sql.execute(
            "UPDATE security_membership SET role = $3 WHERE tenant_id = $1 AND user_id = $2",
            tenant,
            member.id,
            member.role,
        )

    async def remove(self, tenant: TenantId, user_id: UserId) -> None:
        """End the membership."""
        await self._sql.execute(
            "DELETE FROM security_membership WHERE tenant_id = $1 AND user_id = $2", tenant, user_id
        )

    async def remove_all(self, tenant: TenantId) -> None:
        """End every membership; whoever then belongs nowhere is forgotten."""
        await self._sql.execute(
            "WITH gone AS (DELETE FROM security_membership WHERE tenant_id = $1 RETURNING user_id) "
            "DELETE FROM security_user WHERE id IN (SELECT user_id FROM gone) AND NOT EXISTS "
            "(SELECT 1 FROM security_membership AS other WHERE other.user_id = security_user.id "
            "AND other.tenant_id <> $1)",
            tenant,
        )
        await self._sql.execute("DELETE FROM security_session WHERE tenant_id = $1", tenant)
        await self._sql.execute("DELETE FROM security_invitation WHERE tenant_id = $1", tenant)

    async def owners(self, tenant: TenantId) -> int:
        """How many there are."""
        number: int = await self._sql.fetchval(
            "SELECT count(*) FROM security_membership WHERE tenant_id = $1 AND role = 'owner'", tenant
        )
        return number

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[Member]:
        """By descending id of the person."""
        return await newest_first(
            self._session,
            f"({_MEMBER}) AS member",
            lambda row: Member(**dict(row)),
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )


class PostgresSessions:
    """The sessions people are or were signed in with."""

    def __init__(self, session: Transaction) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, session: Session, secret_hash: bytes) -> None:
        """Insert."""
        await self._sql.execute(
            f"INSERT INTO security_session ({_SESSION}, secret_hash) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            session.id,
            session.user_id,
            session.tenant_id,
            list(session.factors),
            session.client_network,
            session.user_agent,
            session.created_at,
            session.last_seen_at,
            session.expires_at,
            session.proved_at,
            session.ended_at,
            session.end_reason,
            secret_hash,
        )

    async def get(self, session_id: SessionId) -> Session:
        """Raises SessionNotFound."""
        row = await self._sql.fetchrow(f"SELECT {_SESSION} FROM security_session WHERE id = $1", session_id)
        if row is None:
            raise SessionNotFound
        return Session(**dict(row))

    async def end(self, session_id: SessionId, *, at: datetime, reason: EndReason) -> None:
        """Make its token useless."""
        await self._sql.execute(
            "UPDATE security_session SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL",
            session_id,
            at,
            reason,
        )

    async def end_all(
        self,
        user_id: UserId,
        *,
        at: datetime,
        reason: EndReason,
        tenant: TenantId | None = None,
        keep: SessionId | None = None,
    ) -> list[Session]:
        """End a person's sessions; those that were ended."""
        rows = await self._sql.fetch(
            "UPDATE security_session SET ended_at = $2, end_reason = $3 "
            "WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 "
            "AND ($4::text IS NULL OR tenant_id = $4) AND ($5::text IS NULL OR id <> $5) "
            f"RETURNING {_SESSION}",
            user_id,
            at,
            reason,
            tenant,
            keep,
        )
        return [Session(**dict(row)) for row in rows]

    async def page(
        self, tenant: TenantId | None, user_id: UserId | None, *, cursor: str | None, limit: int
    ) -> Page[Session]:
        """Newest first, ended ones as well."""
        return await newest_first(
            self._session,
            "security_session",
            lambda row: Session(**{name: row[name] for name in _SESSION.split(", ")}),
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR user_id = $2)",
            values=(tenant, user_id),
            cursor=cursor,
            limit=limit,
        )

    async def prove(self, session_id: SessionId, factors: Sequence[Factor], *, at: datetime) -> None:
        """Its holder has proved who they are."""
        await self._sql.execute(
            "UPDATE security_session SET factors = $2, proved_at = $3 WHERE id = $1", session_id, list(factors), at
        )

    async def forget_proofs(self, user_id: UserId, *, tenant: TenantId | None) -> None:
        """Their sessions go on; who they are has to be proved again for what wants a fresh proof."""
        await self._sql.execute(
            "UPDATE security_session SET proved_at = 'epoch' WHERE user_id = $1 AND ended_at IS NULL "
            "AND ($2::text IS NULL OR tenant_id = $2)",
            user_id,
            tenant,
        )

    async def live(
        self, user_id: UserId, *, tenant: TenantId | None = None, used_since: datetime, now: datetime
    ) -> list[Session]:
        """A person's sessions that have not ended, in this tenant or in all, newest first."""
        rows = await self._sql.fetch(
            f"SELECT {_SESSION} FROM security_session WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 "
            "AND last_seen_at > $3 AND ($4::text IS NULL OR tenant_id = $4) ORDER BY id DESC LIMIT 500",
            user_id,
            now,
            used_since,
            tenant,
        )
        return [Session(**dict(row)) for row in rows]

    async def were_from(self, user_id: UserId, network: str, *, since: datetime) -> bool:
        """Whether this person has signed in from this network since."""
        found = await self._sql.fetchval(
            "SELECT true FROM security_session WHERE user_id = $1 AND client_network = $2 AND created_at > $3 LIMIT 1",
            user_id,
            network,
            since,
        )
        return bool(found)


class PostgresSignInTries:
    """Failed tries to sign in."""

    def __init__(self, session: Transaction) -> None:
        self._session, self._sql = session, session.sql

    async def hold(self, account: str) -> None:
        """Wait for others who count tries at this account."""
        await hold(self._session, f"security_sign_in_try/{account}")

    async def find(self, account: str, network: str) -> Tries | None:
        """From this network."""
        row = await self._sql.fetchrow(
            "SELECT failures, last_at, retry_at FROM security_sign_in_try WHERE account = $1 AND network = $2",
            account,
            network,
        )
        return Tries(**dict(row)) if row else None

    async def count(self, account: str, *, since: datetime) -> int:
        """From all networks together that had one since."""
        number: int = await self._sql.fetchval(
            "SELECT coalesce(sum(failures), 0) FROM security_sign_in_try WHERE account = $1 AND last_at > $2",
            account,
            since,
        )
        return number

    async def put(self, account: str, network: str, tries: Tries) -> None:
        """Insert or replace."""
        await self._sql.execute(
            "INSERT INTO security_sign_in_try (account, network, failures, last_at, retry_at) "
            "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, network) DO UPDATE "
            "SET (failures, last_at, retry_at) = (excluded.failures, excluded.last_at, excluded.retry_at)",
            account,
            network,
            tries.failures,
            tries.last_at,
            tries.retry_at,
        )

    async def clear(self, account: str, network: str | None = None) -> None:
        """Forget those from this network, or from all."""
        await self._sql.execute(
            "DELETE FROM security_sign_in_try WHERE account = $1 AND ($2::text IS NULL OR network = $2)",
            account,
            network,
        )
