"""The subscription that loads a tenant's events into its lake, for analysts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from adapters.postgres.session import Session
from domain.bus.event import RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.kernel.ids import TenantId

if TYPE_CHECKING:
    from adapters.analytics.lake import LakeLoader


class EventLake:
    """The effect is a lake snapshot, outside our transaction; the loader skips what a repeat brings again."""

    subscription = Subscription(
        name="analytics.event_lake",
        kind=SubscriptionKind.LAKE,
        types=("*",),
        purpose="Loads a tenant's events into its lake, for analysts.",
    )
    in_transaction = False

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._loader: LakeLoader | None = None

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Whether the tenant's lake is there."""
        return bool(await session.sql.fetchval("SELECT to_regnamespace($1) IS NOT NULL", f'"lake_{tenant}"'))

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Load them in one snapshot."""
        assert session is None
        await asyncio.to_thread(self._open().load, tenant, events)

    async def naming(
        self, tenant: TenantId, address: str, fields: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]]:
        """Ids and types of the events in the lake that name this address in one of these fields of their types."""
        return await asyncio.to_thread(self._open().naming, tenant, address, fields)

    async def blank(self, tenant: TenantId, address: str, fields: Mapping[str, Sequence[str]]) -> int:
        """Blank those fields, for good; how many events."""
        return await asyncio.to_thread(self._open().blank, tenant, address, fields)

    def close(self) -> None:
        """Let go of every open lake."""
        if self._loader is not None:
            self._loader.close()

    def _open(self) -> LakeLoader:
        if self._loader is None:
            from adapters.analytics.lake import LakeLoader  # noqa: PLC0415 - heavy, and the API never loads

            self._loader = LakeLoader(self._dsn)
        return self._loader
