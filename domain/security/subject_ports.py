"""What requests of data subjects ask of the database and of the modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.personal_data import Receipt, Subject
from domain.security.ids import LegalHoldId, SubjectRequestId
from domain.security.subject_commands import (
    FollowSubjectRequest,
    RetentionApplied,
    SubjectRequestState,
    SubjectStep,
)
from domain.security.subject_model import (
    LegalHold,
    RetentionCategory,
    RetentionRule,
    SubjectRequest,
    SubjectRequestKind,
)


class SubjectRequests(Protocol):
    """Requests, holds and retention rules."""

    async def add(self, request: SubjectRequest, address: str) -> None:
        """Insert, with whom it is about."""
        ...

    async def put(self, request: SubjectRequest) -> None:
        """Replace what may change."""
        ...

    async def get(self, tenant: TenantId, id: SubjectRequestId, *, lock: bool = True) -> SubjectRequest:
        """Locked until the transaction ends, unless it is only looked at. Raises SubjectRequestNotFound."""
        ...

    async def open_for(self, tenant: TenantId, kind: SubjectRequestKind, digest: str) -> SubjectRequest | None:
        """The one that is not over, if there is one."""
        ...

    async def blocked(self, tenant: TenantId) -> Sequence[SubjectRequest]:
        """Those that something is in the way of."""
        ...

    async def page(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[SubjectRequest]:
        """Newest first."""
        ...

    async def subject_of(self, id: SubjectRequestId) -> Subject:
        """Whom it is about, as of now: they may have joined since. Others' members are none of the tenant's business.

        Raises SubjectRequestNotFound once that is forgotten.
        """
        ...

    async def forget(self, id: SubjectRequestId) -> None:
        """Whom it is about, and what was exported."""
        ...

    async def add_receipt(self, id: SubjectRequestId, tenant: TenantId, receipt: Receipt, sealed: bytes | None) -> None:
        """Insert; the first one of a module stays."""
        ...

    async def exported(self, id: SubjectRequestId) -> Sequence[tuple[str, str, bytes]]:
        """Module, context and ciphertext of every part of an export that is there still."""
        ...

    async def put_hold(self, hold: LegalHold) -> None:
        """Insert or replace."""
        ...

    async def hold(self, tenant: TenantId, id: LegalHoldId) -> LegalHold:
        """Locked until the transaction ends. Raises LegalHoldNotFound."""
        ...

    async def holds(self, tenant: TenantId, *, cursor: str | None, limit: int) -> Page[LegalHold]:
        """Newest first, lifted ones as well."""
        ...

    async def holds_on(self, tenant: TenantId) -> Sequence[LegalHold]:
        """Those that are not lifted. No other is placed or lifted until the transaction ends."""
        ...

    async def retention(self, tenant: TenantId) -> Sequence[RetentionRule]:
        """The rules there are."""
        ...

    async def put_retention(self, tenant: TenantId, category: RetentionCategory, days: int | None) -> None:
        """Insert, replace, or take away."""
        ...


class SubjectSteps(Protocol):
    """What every module does about a data subject."""

    @property
    def modules(self) -> Sequence[str]: ...

    async def settle(self, cmd: FollowSubjectRequest) -> SubjectRequestState:
        """Let it begin if it is time; where it stands."""
        ...

    async def step(self, cmd: SubjectStep) -> SubjectRequestState:
        """One module's part, and its receipt, unless something has come in the way. May be done again."""
        ...

    async def complete(self, cmd: FollowSubjectRequest) -> SubjectRequestState:
        """Look again, erase what has come meanwhile, and sign."""
        ...


class RetentionSweeper(Protocol):
    """Deletes what tenants want to keep no longer."""

    async def sweep(self, *, now: datetime, heartbeat: Callable[..., None]) -> RetentionApplied:
        """Each tenant and category in transactions of their own; what is under a legal hold stays."""
        ...
