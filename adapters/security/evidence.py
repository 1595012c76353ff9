"""Evidence and its collections, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.control_catalogue import BY_ID
from domain.security.control_errors import EvidenceCollectionNotFound
from domain.security.control_model import Evidence, EvidenceCollection
from domain.security.data_keys import PLATFORM
from domain.security.ids import EvidenceCollectionId

_EVIDENCE = tuple(Evidence.model_fields)
_COLLECTION = tuple(EvidenceCollection.model_fields)


class PostgresEvidence:
    """What was seen, and when somebody looked."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, evidence: Evidence) -> None:
        """Insert, and count it in its collection."""
        await self._sql.execute(
            f"INSERT INTO security_evidence ({names(_EVIDENCE)}) VALUES ({places(_EVIDENCE)})",
            *values_of(evidence, _EVIDENCE),
        )
        await self._sql.execute(
            "UPDATE security_evidence_collection SET evidence = evidence + 1, "
            "not_satisfied = not_satisfied + ($2 = 'not_satisfied')::int WHERE id = $1",
            evidence.collection_id,
            evidence.state,
        )

    async def newest(self, tenant: TenantId | None) -> Sequence[Evidence]:
        """The newest of each control of this tenant, or of the platform."""
        rows = await self._sql.fetch(
            f"SELECT {names(_EVIDENCE, 'newest.')} FROM unnest($2::text[]) AS control CROSS JOIN LATERAL "
            "(SELECT * FROM security_evidence WHERE coalesce(tenant_id, 'platform') = $1 AND control_id = control "
            "ORDER BY id DESC LIMIT 1) AS newest",
            tenant or PLATFORM,
            list(BY_ID),
        )
        return [Evidence(**dict(row)) for row in rows]

    async def page(
        self, tenant: TenantId | None, control_id: str | None, *, cursor: str | None, limit: int
    ) -> Page[Evidence]:
        """Newest first; tenant None may see all."""
        return await newest_first(
            self._session,
            "security_evidence",
            lambda row: Evidence(**dict(row)),
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR control_id = $2)",
            values=(tenant, control_id),
            cursor=cursor,
            limit=limit,
        )

    async def begin(self, collection: EvidenceCollection) -> bool:
        """Insert it, with whom it has to visit as of now; False if it was begun before."""
        is_new = await self._sql.fetchval(
            f"INSERT INTO security_evidence_collection ({names(_COLLECTION)}) VALUES ({places(_COLLECTION)}) "
            "ON CONFLICT (id) DO NOTHING RETURNING true",
            *values_of(collection, _COLLECTION),
        )
        if not is_new:
            return False
        await self._sql.execute(
            "WITH visits AS (INSERT INTO security_evidence_visit (collection_id, scope) "
            "SELECT $1, scope FROM (SELECT 'platform' AS scope WHERE $2::text IS NULL UNION ALL "
            "SELECT id FROM security_tenant WHERE status = 'active' AND ($2::text IS NULL OR id = $2)) AS scopes "
            "RETURNING true) "
            "UPDATE security_evidence_collection SET scopes = (SELECT count(*) FROM visits) WHERE id = $1",
            collection.id,
            collection.tenant_id,
        )
        return True

    async def collection(self, tenant: TenantId | None, id: EvidenceCollectionId) -> EvidenceCollection:
        """Tenant None may see all. Raises EvidenceCollectionNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_COLLECTION)} FROM security_evidence_collection "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2)",
            id,
            tenant,
        )
        if row is None:
            raise EvidenceCollectionNotFound
        return EvidenceCollection(**dict(row))

    async def collections(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[EvidenceCollection]:
        """Newest first; tenant None may see all."""
        return await newest_first(
            self._session,
            "security_evidence_collection",
            lambda row: EvidenceCollection(**dict(row)),
            where="($1::text IS NULL OR tenant_id = $1)",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )

    async def visited(self, id: EvidenceCollectionId, tenant: TenantId | None, *, at: datetime) -> bool:
        """This scope's turn is now; False if it had its turn before."""
        turn = await self._sql.fetchval(
            "UPDATE security_evidence_visit SET visited_at = $3 "
            "WHERE collection_id = $1 AND scope = $2 AND visited_at IS NULL RETURNING true",
            id,
            tenant or PLATFORM,
            at,
        )
        if turn:
            await self._sql.execute("UPDATE security_evidence_collection SET done = done + 1 WHERE id = $1", id)
        return bool(turn)
