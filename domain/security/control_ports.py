"""What evidence asks of the database and of its collectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.control_commands import BeginCollection, CollectionProgress, FollowCollection
from domain.security.control_model import Evidence, EvidenceCollection
from domain.security.ids import EvidenceCollectionId


class EvidenceStore(Protocol):
    """Evidence, and the rounds that it was collected in."""

    async def add(self, evidence: Evidence) -> None:
        """Insert."""
        ...

    async def newest(self, tenant: TenantId | None) -> Sequence[Evidence]:
        """The newest of each control of this tenant, or of the platform."""
        ...

    async def page(
        self, tenant: TenantId | None, control_id: str | None, *, cursor: str | None, limit: int
    ) -> Page[Evidence]:
        """Newest first; tenant None may see all."""
        ...

    async def begin(self, collection: EvidenceCollection) -> bool:
        """Insert it, with whom it has to visit as of now; False if it was begun before."""
        ...

    async def collection(self, tenant: TenantId | None, id: EvidenceCollectionId) -> EvidenceCollection:
        """Tenant None may see all. Raises EvidenceCollectionNotFound."""
        ...

    async def collections(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[EvidenceCollection]:
        """Newest first; tenant None may see all."""
        ...

    async def visited(self, id: EvidenceCollectionId, tenant: TenantId | None, *, at: datetime) -> bool:
        """This scope's turn is now; False if it had its turn before."""
        ...


class EvidenceCollector(Protocol):
    """Looks at controls, scope by scope."""

    async def begin(self, cmd: BeginCollection) -> None:
        """Write down whom to visit; may be done again."""
        ...

    async def step(self, cmd: FollowCollection, *, heartbeat: Callable[..., None]) -> CollectionProgress:
        """Visit the next scopes, each in a transaction of its own."""
        ...

    async def complete(self, cmd: FollowCollection) -> CollectionProgress:
        """Count: it is completed if every control of every scope has evidence of this round."""
        ...
