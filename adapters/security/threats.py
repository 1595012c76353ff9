"""Threats, bans and tenants' detection rules in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.ids import NetworkBanId, ThreatId
from domain.security.threat_errors import (
    DetectionRuleExists,
    DetectionRuleNotFound,
    NetworkBanNotFound,
    ThreatNotFound,
)
from domain.security.threat_model import DetectionRule, NetworkBan, Threat, ThreatResponse, ThreatStatus

_THREAT = tuple(Threat.model_fields)
_BAN = tuple(NetworkBan.model_fields)
_RULE = tuple(DetectionRule.model_fields)


class PostgresThreats:
    """What was found."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, threat: Threat) -> None:
        """Insert or replace."""
        changing = tuple(name for name in _THREAT if name != "id")
        await self._sql.execute(
            f"INSERT INTO security_threat ({names(_THREAT)}) VALUES ({places(_THREAT)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *values_of(threat, _THREAT),
        )

    async def get(self, tenant: TenantId | None, threat_id: ThreatId) -> Threat:
        """Locked until the transaction ends; tenant None may see all. Raises ThreatNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_THREAT)} FROM security_threat WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) "
            "FOR UPDATE",
            threat_id,
            tenant,
        )
        if row is None:
            raise ThreatNotFound
        return Threat(**dict(row))

    async def page(
        self, tenant: TenantId | None, status: ThreatStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Threat]:
        """Newest first; tenant None may see all."""
        return await newest_first(
            self._session,
            "security_threat",
            _threat,
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(tenant, status),
            cursor=cursor,
            limit=limit,
        )

    async def open_like(self, rule_id: str, tenant: TenantId | None, group: Sequence[str]) -> Threat | None:
        """Of the same rule and group, not closed yet; locked until the transaction ends."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_THREAT)} FROM security_threat WHERE rule_id = $1 AND coalesce(tenant_id, '') = $2 "
            "AND \"group\" = $3 AND status <> 'closed' FOR UPDATE",
            rule_id,
            tenant or "",
            list(group),
        )
        return Threat(**dict(row)) if row else None

    async def open_of(self, rule_id: str, tenant: TenantId | None) -> int:
        """How many of this rule are not closed yet."""
        number: int = await self._sql.fetchval(
            "SELECT count(*) FROM security_threat WHERE rule_id = $1 AND coalesce(tenant_id, '') = $2 "
            "AND status <> 'closed'",
            rule_id,
            tenant or "",
        )
        return number

    async def followed(self, threat_id: ThreatId, *, at: datetime) -> None:
        """Its process has begun."""
        await self._sql.execute(
            "UPDATE security_threat SET followed_at = $2 WHERE id = $1 AND followed_at IS NULL", threat_id, at
        )

    async def to_follow(self, *, limit: int) -> list[tuple[TenantId | None, ThreatId]]:
        """Those whose process has not begun, oldest first."""
        rows = await self._sql.fetch(
            "SELECT tenant_id, id FROM security_threat WHERE followed_at IS NULL ORDER BY id LIMIT $1", limit
        )
        return [(TenantId(row["tenant_id"]) if row["tenant_id"] else None, ThreatId(row["id"])) for row in rows]

    async def response(self, tenant: TenantId) -> ThreatResponse:
        """How this tenant wants threats to be answered."""
        row = await self._sql.fetchrow("SELECT approval FROM security_threat_response WHERE tenant_id = $1", tenant)
        return ThreatResponse(**dict(row)) if row else ThreatResponse()

    async def put_response(self, tenant: TenantId, response: ThreatResponse) -> None:
        """Insert or replace."""
        await self._sql.execute(
            "INSERT INTO security_threat_response (tenant_id, approval) VALUES ($1, $2) "
            "ON CONFLICT (tenant_id) DO UPDATE SET approval = excluded.approval",
            tenant,
            response.approval,
        )


class PostgresBans:
    """Networks that nobody new signs in from."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, ban: NetworkBan) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_network_ban ({names(_BAN)}) VALUES ({places(_BAN)}) "
            "ON CONFLICT (id) DO UPDATE SET lifted_at = excluded.lifted_at",
            *values_of(ban, _BAN),
        )

    async def get(self, tenant: TenantId | None, ban_id: NetworkBanId) -> NetworkBan:
        """A tenant's own, or one of the whole platform. Raises NetworkBanNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_BAN)} FROM security_network_ban "
            "WHERE id = $1 AND ($2::text IS NULL OR coalesce(tenant_id, $2) = $2) FOR UPDATE",
            ban_id,
            tenant,
        )
        if row is None:
            raise NetworkBanNotFound
        return NetworkBan(**dict(row))

    async def of(self, threat_id: ThreatId) -> list[NetworkBan]:
        """Those that this threat led to."""
        rows = await self._sql.fetch(
            f"SELECT {names(_BAN)} FROM security_network_ban WHERE threat_id = $1 ORDER BY id", threat_id
        )
        return [NetworkBan(**dict(row)) for row in rows]

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[NetworkBan]:
        """Newest first, those that are over as well; tenant None may see all."""
        return await newest_first(
            self._session,
            "security_network_ban",
            lambda row: NetworkBan(**dict(row)),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )

    async def until(self, network: str, tenants: Sequence[TenantId], *, now: datetime) -> datetime | None:
        """Until when a ban of the platform's, or of one of these tenants, covers this network."""
        until: datetime | None = await self._sql.fetchval(
            "SELECT max(expires_at) FROM security_network_ban WHERE lifted_at IS NULL AND expires_at > $3 "
            "AND (tenant_id IS NULL OR tenant_id = ANY($2)) AND $1::text::inet <<= network::inet",
            network,
            list(tenants),
            now,
        )
        return until


class PostgresDetectionRules:
    """Tenants' own rules."""

    def __init__(self, session: Session) -> None:
        self._sql = session.sql

    async def add(self, rule: DetectionRule) -> None:
        """Insert. Raises DetectionRuleExists."""
        added = await self._sql.fetchval(
            f"INSERT INTO security_detection_rule ({names(_RULE)}) VALUES ({places(_RULE)}) "
            "ON CONFLICT DO NOTHING RETURNING true",
            *values_of(rule, _RULE),
        )
        if not added:
            raise DetectionRuleExists

    async def remove(self, tenant: TenantId, rule_id: str) -> None:
        """Raises DetectionRuleNotFound."""
        removed = await self._sql.fetchval(
            "DELETE FROM security_detection_rule WHERE tenant_id = $1 AND id = $2 RETURNING true", tenant, rule_id
        )
        if not removed:
            raise DetectionRuleNotFound

    async def all(self, tenant: TenantId) -> list[DetectionRule]:
        """All of them, oldest first; there are not many."""
        rows = await self._sql.fetch(
            f"SELECT {names(_RULE)} FROM security_detection_rule WHERE tenant_id = $1 ORDER BY created_at, id", tenant
        )
        return [DetectionRule(**dict(row)) for row in rows]


def _threat(row: Any) -> Threat:
    return Threat(**{name: row[name] for name in _THREAT})
