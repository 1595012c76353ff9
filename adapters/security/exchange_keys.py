"""Exchange keys in PostgreSQL."""

from __future__ import annotations

from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.exchange_errors import ExchangeKeyNotFound
from domain.security.ids import ExchangeKeyId
from domain.security.key_model import ExchangeKey

_COLUMNS = tuple(ExchangeKey.model_fields)


class PostgresExchangeKeys:
    """Key pairs that outsiders encrypt for."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, key: ExchangeKey) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO security_exchange_key ({names(_COLUMNS)}) VALUES ({places(_COLUMNS)}) "
            "ON CONFLICT (id) DO UPDATE SET (sealed, revoked_at) = ROW (excluded.sealed, excluded.revoked_at)",
            *values_of(key, _COLUMNS),
        )

    async def get(self, tenant: TenantId, key_id: ExchangeKeyId) -> ExchangeKey:
        """Locked until the transaction ends. Raises ExchangeKeyNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {names(_COLUMNS)} FROM security_exchange_key WHERE id = $1 AND tenant_id = $2 FOR UPDATE",
            key_id,
            tenant,
        )
        if row is None:
            raise ExchangeKeyNotFound
        return ExchangeKey(**dict(row))

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[ExchangeKey]:
        """Newest first, revoked ones as well."""
        return await newest_first(
            self._session,
            "security_exchange_key",
            lambda row: ExchangeKey(**dict(row)),
            where="tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )
