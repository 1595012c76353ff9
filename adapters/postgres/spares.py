"""Schemas that are prepared before there is a tenant for them; all of it needs the owner's connection.

A tenant's schemas are dozens of tables, and the disk takes each as two files or three. So workers keep a few prepared
under other names, and a tenant's first moments wait for a change of names only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from adapters.kernel.clock import new_id
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.telemetry.metrics import SCHEMAS_CREATED, SPARE_SCHEMAS
from domain.kernel.ids import Id, TenantId

if TYPE_CHECKING:
    from adapters.postgres.migrations import Connection

_TAKE = """
    DELETE FROM platform.spare_schema WHERE id = (
        SELECT id FROM platform.spare_schema WHERE kind = $1 AND revision = $2 ORDER BY id LIMIT 1
        FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""


class SpareId(Id, prefix="spare"):
    """Stands where the tenant's id will be, in the names of schema and role."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Schemas that every tenant has one of, each with a role.

    schema, role: their names, with `{}` for the tenant's id.
    revisions: what such schemas have looked like, oldest first; the last one is what `make` makes.
    """

    name: str
    schema: str
    role: str
    revisions: Callable[[], Sequence[str]]
    make: Callable[[Connection, Id], Awaitable[None]]

    async def create(self, sql: Connection, tenant: TenantId) -> None:
        """A prepared schema becomes the tenant's; one is made if none is left. In the connection's transaction."""
        spare = await sql.fetchval(_TAKE, self.name, self.revisions()[-1])
        if spare is None:
            await self.make(sql, tenant)
        else:
            await sql.execute(f"""
                ALTER SCHEMA "{self.schema.format(spare)}" RENAME TO "{self.schema.format(tenant)}";
                ALTER ROLE "{self.role.format(spare)}" RENAME TO "{self.role.format(tenant)}";
            """)
        SCHEMAS_CREATED.labels(self.name, "spare" if spare else "fresh").inc()

    async def drop(self, sql: Connection, of: Id) -> None:
        """Schema and role, whichever exist."""
        await sql.execute(
            f'DROP SCHEMA IF EXISTS "{self.schema.format(of)}" CASCADE; DROP ROLE IF EXISTS "{self.role.format(of)}"'
        )

    async def discard(self, sql: Connection, revisions: Sequence[str] | None = None) -> None:
        """Drop the prepared ones of these revisions; of all, if none are named."""
        for (spare,) in await sql.fetch(
            "DELETE FROM platform.spare_schema WHERE kind = $1 AND revision = ANY(coalesce($2, ARRAY[revision])) "
            "RETURNING id",
            self.name,
            revisions,
        ):
            await self.drop(sql, SpareId(spare))


class SpareSchemas:
    """Keeps so many of each kind prepared."""

    def __init__(self, owner: Database, kinds: Sequence[Kind], wanted: int) -> None:
        self._owner, self._kinds, self._wanted = owner, kinds, wanted

    async def fill(self) -> int:
        """Prepare what is missing, each in a transaction of its own and by one worker at a time; how many were made."""
        made = 0
        for kind in self._kinds:
            while await self._owner.run(None, partial(self._one_more, kind)):
                made += 1
        return made

    async def _one_more(self, kind: Kind, session: Session) -> bool:
        sql = session.sql
        if not await sql.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('spare_schema', 0))"):
            return False
        # Those of a revision this release does not know belong to workers of the next one.
        *outdated, revision = kind.revisions()
        await kind.discard(sql, outdated)
        there = await sql.fetchval(
            "SELECT count(*) FROM platform.spare_schema WHERE kind = $1 AND revision = $2", kind.name, revision
        )
        SPARE_SCHEMAS.labels(kind.name).set(there)
        if there >= self._wanted:
            return False
        spare = new_id(SpareId)
        await kind.make(sql, spare)
        await sql.execute(
            "INSERT INTO platform.spare_schema (id, kind, revision) VALUES ($1, $2, $3)", spare, kind.name, revision
        )
        return True
