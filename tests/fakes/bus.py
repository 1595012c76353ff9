"""Parts for tests of the event bus: tenants of its own database, small events, and handlers that remember."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from conftest import database_of_its_own

from adapters.kernel.clock import new_id
from adapters.postgres.database import Database, connect
from adapters.postgres.embedded import APP, OWNER, EmbeddedPostgres
from adapters.postgres.session import Session
from adapters.postgres.wakeups import Wakeups
from adapters.security.postgres import PostgresTenants
from adapters.security.spaces import PostgresTenantSpaces
from domain.analytics.events import DashboardUpdated
from domain.analytics.ids import DashboardId
from domain.bus.event import Event, Position, RecordedEvent
from domain.bus.model import Subscription, SubscriptionKind
from domain.kernel.ids import TenantId
from domain.security.model import Tenant, TenantStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAR_AHEAD = Position(2**60, 2**60)


def changed(dashboard: DashboardId | None = None, *, title: str = "Overview", revision: int = 1) -> DashboardUpdated:
    """An event about this dashboard, or about one of its own."""
    return DashboardUpdated(
        dashboard_id=dashboard or new_id(DashboardId), title=title, revision=revision, occurred_at=NOON
    )


@dataclass(frozen=True, slots=True)
class Bus:
    """An event store of its own: `database` as the application, `owner` as the one who may make tenants."""

    server: EmbeddedPostgres
    name: str
    database: Database
    owner: Database

    @property
    def dsn(self) -> str:
        """The application's way in."""
        return self.server.dsn(APP, self.name)

    async def append(self, tenant: TenantId | None, *happened: Event) -> None:
        """One transaction with these events."""

        async def work(session: Session) -> None:
            session.append(*happened, tenant=tenant)

        await self.database.run(None, work)

    async def tenant(self) -> TenantId:
        """An active tenant with a role and an empty schema."""
        tenant = new_id(TenantId)

        async def work(session: Session) -> None:
            await PostgresTenants(session).put(
                Tenant(
                    id=tenant,
                    organisation="Organisation",
                    status=TenantStatus.ACTIVE,
                    locale="en",
                    timezone="Europe/Oslo",
                    schema_revision=None,
                    created_at=NOON,
                )
            )
            await PostgresTenantSpaces(session).create(tenant)

        await self.owner.run(None, work)
        return tenant


@asynccontextmanager
async def bus_of_its_own(server: EmbeddedPostgres, *, pool: int = 8) -> AsyncIterator[Bus]:
    """A fresh database, connected."""
    wakeups = Wakeups()
    async with (
        database_of_its_own(server) as name,
        connect(server.dsn(APP, name), size=pool, application="bus", notify=wakeups.announce) as database,
        connect(server.dsn(OWNER, name), size=2, application="owner") as owner,
        wakeups.sent_through(database),
    ):
        yield Bus(server, name, database, owner)


def accepts(event: RecordedEvent) -> None:
    """No objection."""


@dataclass(slots=True)
class Recorder:
    """A handler that remembers what it took; `objects` may raise about an event, and then it takes nothing.

    Inside our transaction it also looks at the event store with the rights that it is given.
    """

    name: str = "tests.recorder"
    types: tuple[str, ...] = ("*",)
    in_transaction: bool = False
    attempts: int = 3
    objects: Callable[[RecordedEvent], None] = accepts
    taken: list[tuple[TenantId, RecordedEvent]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    visible: set[str] = field(default_factory=set)

    @property
    def subscription(self) -> Subscription:
        """What it listens to."""
        return Subscription(
            name=self.name, kind=SubscriptionKind.LAKE, types=self.types, purpose="Test.", attempts=self.attempts
        )

    async def ready(self, session: Session, tenant: TenantId) -> bool:
        """Always."""
        return True

    async def handle(self, session: Session | None, tenant: TenantId, events: Sequence[RecordedEvent]) -> None:
        """Take them all or none."""
        if session is not None:
            rows = await session.sql.fetch("SELECT DISTINCT tenant_id FROM platform.events")
            self.visible |= {row["tenant_id"] for row in rows}
        for event in events:
            self.tried.append(title(event))
            self.objects(event)
        self.taken += [(tenant, event) for event in events]

    @property
    def titles(self) -> list[str]:
        """Titles of what it took, in order."""
        return [title(event) for _, event in self.taken]


def title(event: RecordedEvent) -> str:
    """What a test called this event."""
    return str(event.data.get("title", event.type))
