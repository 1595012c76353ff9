"""Personal data breaches in PostgreSQL."""

from __future__ import annotations

from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.breach_errors import BreachNotFound
from domain.security.breach_model import Breach
from domain.security.ids import BreachId

_COLUMNS = tuple(Breach.model_fields)
_CHANGING = tuple(name for name in _COLUMNS if name != "id")


class PostgresBreaches:
    """The register."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, breach: Breach) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_breach ({names(_COLUMNS)}) VALUES ({places(_COLUMNS)}) ON CONFLICT (id) DO UPDATE "
            f"SET ({names(_CHANGING)}) = ({names(_CHANGING, 'excluded.')})",
            *values_of(breach, _COLUMNS),
        )

    async def get(self, tenant: TenantId, breach_id: BreachId) -> Breach:
        """Locked until the transaction ends. Raises BreachNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_COLUMNS)} FROM security_breach WHERE id = $1 AND tenant_id = $2 FOR UPDATE",
            breach_id,
            tenant,
        )
        if row is None:
            raise BreachNotFound
        return Breach(**dict(row))

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[Breach]:
        """Newest first, closed ones as well."""
        return await newest_first(
            self._session,
            "security_breach",
            lambda row: Breach(**dict(row)),
            where="tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )
