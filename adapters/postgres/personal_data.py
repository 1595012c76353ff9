"""What a module has to say about the people in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.personal_data import Receipt, Subject


class HoldsPersonalData(Protocol):
    """One module's part.

    tables: every table of the module, with `ERASED`, `IMPERSONAL`, or why its rows about people are kept.
    All of it runs in one transaction of the platform.
    """

    @property
    def module(self) -> str: ...
    @property
    def tables(self) -> Mapping[str, str]: ...

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Everything about the subject, each with a `kind`, without secrets."""
        ...

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Erase it; may be done again."""
        ...

    async def left(self, session: Session, subject: Subject) -> int:
        """How much there still is that ought to be erased."""
        ...


class HoldsNothing:
    """A module that keeps nothing about people: its tables, if it has any, are impersonal."""

    def __init__(self, module: str, tables: Mapping[str, str]) -> None:
        self.module, self.tables = module, tables

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Nothing."""
        return []

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Says so."""
        return Receipt(module=self.module, found=0)

    async def left(self, session: Session, subject: Subject) -> int:
        """Nothing."""
        return 0


async def has_schema(session: Session, tenant: TenantId) -> bool:
    """Whether the tenant has its schema still: it goes when the tenant is removed."""
    return bool(await session.sql.fetchval("SELECT to_regnamespace($1) IS NOT NULL", f'"{tenant}"'))
