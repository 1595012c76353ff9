"""Transactions of one module: what `domain.kernel.ports.Transactions` is in PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from adapters.postgres.answers import keep_answer
from adapters.postgres.database import Database
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId

UnitOfWork = TypeVar("UnitOfWork")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UnitsOfWork(Generic[UnitOfWork]):
    """Transactions of one module on one database.

    as_tenant: run under the tenant's role, which reaches its schema only. Otherwise under the pool's own role,
    for what is kept in the platform's schema; events still carry the tenant.
    """

    database: Database
    build: Callable[[Session], UnitOfWork]
    as_tenant: bool

    async def __call__(self, tenant: TenantId | None, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """See `domain.kernel.ports.Transactions`."""

        async def body(session: Session) -> T:
            session.tenant = tenant
            result = await work(self.build(session))
            await keep_answer(session, result)
            return result

        return await self.database.run(tenant if self.as_tenant else None, body)


@dataclass(frozen=True, slots=True)
class OwnerInTenant(Generic[UnitOfWork]):
    """Transactions of the database's owner that look at a tenant's schema: they make and drop things in it."""

    database: Database
    build: Callable[[Session], UnitOfWork]

    async def __call__(self, tenant: TenantId | None, work: Callable[[UnitOfWork], Awaitable[T]]) -> T:
        """See `domain.kernel.ports.Transactions`."""

        async def body(session: Session) -> T:
            session.tenant = tenant
            if tenant is not None:
                await session.sql.execute(f'SET LOCAL search_path TO "{TenantId.parse(tenant)}", platform')
            return await work(self.build(session))

        return await self.database.run(None, body)
