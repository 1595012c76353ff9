"""What the kernel asks of the world: the time, and ids that nobody else has."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from domain.kernel.audit import AuditEntry
from domain.kernel.idempotency import KeyedRequest
from domain.kernel.ids import Id, TenantId

IdT = TypeVar("IdT", bound=Id)
T = TypeVar("T")
UnitOfWorkT_co = TypeVar("UnitOfWorkT_co", covariant=True)


class Clock(Protocol):
    """The time."""

    def __call__(self) -> datetime:
        """This instant, aware, in UTC."""
        ...


class Ids(Protocol):
    """A source of ids."""

    def __call__(self, kind: type[IdT]) -> IdT:
        """A new id of this kind, greater than every earlier one of this process."""
        ...


class AuditTrail(Protocol):
    """Where security-relevant actions are written, in the transaction that performs them."""

    def record(self, entry: AuditEntry) -> None:
        """Write this entry when the transaction commits, and not if it does not."""
        ...


class Transactions(Protocol[UnitOfWorkT_co]):
    """Runs work in one transaction: all of it is committed, with its events and audit records, or none."""

    async def __call__(self, tenant: TenantId | None, work: Callable[[UnitOfWorkT_co], Awaitable[T]]) -> T:
        """Run `work` as this tenant's database role (None: as the platform) and commit.

        Deadlocks, serialization failures and connections lost before the commit are retried by running
        `work` again. Raises DatabaseUnavailable or TransactionConflict (nothing changed), or CommitUnknown.
        """
        ...


class Answers(Protocol):
    """Answers already given, kept under the Idempotency-Key of their request."""

    async def keep(self, request: KeyedRequest, *, status: int, answer: dict[str, Any]) -> None:
        """Keep this answer in the current transaction. Raises AlreadyAnswered if the key has one."""
        ...
