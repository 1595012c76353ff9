"""Transactions: all or nothing, retried where it is safe, and failures with names."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import pytest
from conftest import Stack, Tenant, free_port, until

from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.database import connect
from adapters.postgres.session import Session
from domain.automation.events import OnboardingCompleted
from domain.automation.ids import OnboardingId
from domain.bus.errors import UnknownEventType
from domain.bus.event import Event, event
from domain.kernel.errors import CommitUnknown, DatabaseUnavailable, TransactionConflict
from domain.kernel.ids import TenantId


async def _events_of(stack: Stack, onboarding: OnboardingId) -> int:
    async def count(session: Session) -> int:
        found: int = await session.sql.fetchval("SELECT count(*) FROM events WHERE subject = $1", onboarding)
        return found

    return await stack.container.database.run(None, count)


def _completed(onboarding: OnboardingId, tenant: str) -> OnboardingCompleted:
    return OnboardingCompleted(onboarding_id=onboarding, tenant_id=TenantId(tenant), occurred_at=utc_now())


class TestTransaction:
    async def test_writes_changes_and_events_together(self, stack: Stack, tenant: Tenant) -> None:
        onboarding = new_id(OnboardingId)

        async def work(session: Session) -> None:
            await session.sql.execute("UPDATE analytics_dashboard SET title = 'Together'")
            session.append(_completed(onboarding, tenant.id))

        await stack.container.database.run(TenantId(tenant.id), work)

        assert 1 == await _events_of(stack, onboarding)
        assert ["Together"] == [d["title"] for d in (await tenant.get("/v1/analytics/dashboards"))["items"]]

    async def test_writes_neither_when_the_work_fails(self, stack: Stack, tenant: Tenant) -> None:
        onboarding = new_id(OnboardingId)

        async def work(session: Session) -> None:
            await session.sql.execute("UPDATE analytics_dashboard SET title = 'Lost'")
            session.append(_completed(onboarding, tenant.id))
            raise RuntimeError("on second thoughts")

        with pytest.raises(RuntimeError, match="second thoughts"):
            await stack.container.database.run(TenantId(tenant.id), work)

        assert 0 == await _events_of(stack, onboarding)
        assert "Lost" not in str(await tenant.get("/v1/analytics/dashboards"))

    async def test_refuses_an_event_that_the_catalogue_does_not_list(self, stack: Stack) -> None:
        async def work(session: Session) -> None:
            session.append(Unlisted(thing="x", occurred_at=utc_now()))

        with pytest.raises(UnknownEventType):
            await stack.container.database.run(None, work)

    async def test_is_run_again_after_a_deadlock(self, stack: Stack, tenant: Tenant) -> None:
        await stack.container.database.run(TenantId(tenant.id), _two_rows)
        met, tries = asyncio.Barrier(2), Counter[str]()

        async def crossing(first: str, second: str) -> None:
            async def work(session: Session) -> None:
                tries[first] += 1
                await _count_up(session, first)
                if tries[first] == 1:
                    await met.wait()
                await _count_up(session, second)

            await stack.container.database.run(TenantId(tenant.id), work)

        await asyncio.gather(crossing("a", "b"), crossing("b", "a"))

        assert 3 == tries.total()
        counts = await tenant.get("/v1/analytics/event-counts")
        assert {"a": 3, "b": 3} == {c["type"]: c["count"] for c in counts if c["type"] in {"a", "b"}}

    async def test_gives_up_on_endless_conflicts_with_a_name(self, stack: Stack) -> None:
        tries: list[int] = []

        async def work(_: Session) -> None:
            tries.append(1)
            raise asyncpg.SerializationError("could not serialize access")

        with pytest.raises(TransactionConflict) as refusal:
            await stack.container.database.run(None, work)

        assert 4 == len(tries)
        assert refusal.value.retryable

    async def test_is_run_again_when_the_connection_was_lost_before_the_commit(self, stack: Stack) -> None:
        onboarding = new_id(OnboardingId)
        lost: list[int] = []

        async def work(session: Session) -> None:
            session.append(_completed(onboarding, new_id(TenantId)))
            if not lost:
                lost.append(await session.sql.fetchval("SELECT pg_backend_pid()"))
                await _terminate(stack, lost[0])
                await session.sql.execute("SELECT 1")

        await stack.container.database.run(None, work)

        assert 1 == await _events_of(stack, onboarding)

    async def test_does_not_guess_when_the_connection_is_lost_while_committing(self, stack: Stack) -> None:
        """A deferred trigger kills the connection in the middle of COMMIT: whether it worked cannot be known."""
        owner = await asyncpg.connect(stack.settings.postgres_owner_dsn.get_secret_value())
        await owner.execute("""
            CREATE TABLE platform.fragile (id int);
            GRANT INSERT ON platform.fragile TO harborgrid_app;
            CREATE FUNCTION platform.hang_up() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER hang AFTER INSERT ON platform.fragile DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION platform.hang_up();
        """)
        pids: list[int] = []

        async def work(session: Session) -> None:
            pids.append(await session.sql.fetchval("SELECT pg_backend_pid()"))
            await session.sql.execute("INSERT INTO fragile VALUES (1)")

        try:
            running = asyncio.create_task(stack.container.database.run(None, work))

            async def commits() -> Any:
                return await owner.fetchval(
                    "SELECT true FROM pg_stat_activity WHERE pid = ANY($1) AND query = 'COMMIT' AND state = 'active'",
                    pids,
                )

            await until(commits, what="the commit to begin")
            await _terminate(stack, pids[0])

            with pytest.raises(CommitUnknown):
                await running
            assert 1 == len(pids)
        finally:
            await owner.execute("DROP TABLE platform.fragile; DROP FUNCTION platform.hang_up()")
            await owner.close()


class TestConnect:
    async def test_says_that_nobody_answers(self) -> None:
        with pytest.raises(DatabaseUnavailable) as refusal:
            async with connect(f"postgresql://nobody@127.0.0.1:{free_port()}/none", size=2, application="test"):
                pass

        assert "did not accept" in refusal.value.message


@event("test.unlisted", version="1.0.0", source="kernel", subject="thing")
class Unlisted(Event):
    """Not in the catalogue."""

    thing: str


async def _two_rows(session: Session) -> Any:
    return await session.sql.execute(
        "INSERT INTO analytics_event_count VALUES ('2000-01-01', 'a', 1), ('2000-01-01', 'b', 1)"
    )


async def _count_up(session: Session, type_: str) -> None:
    await session.sql.execute("UPDATE analytics_event_count SET count = count + 1 WHERE type = $1", type_)


async def _terminate(stack: Stack, pid: int) -> None:
    connection = await asyncpg.connect(stack.settings.postgres_dsn.get_secret_value())
    try:
        await connection.execute("SELECT pg_terminate_backend($1)", pid)
    finally:
        await connection.close()


class TestPool:
    """One connection, used by turns."""

    async def test_takes_a_connection_back_without_a_round_trip_after_a_transaction(self, stack: Stack) -> None:
        async with connect(stack.settings.postgres_dsn.get_secret_value(), size=1, application="tidy") as database:
            ended = await database.run(None, lambda session: session.sql.fetchval("SELECT pg_backend_pid()"))
            last = await stack.container.database.pool.fetchval(
                "SELECT query FROM pg_stat_activity WHERE pid = $1", ended
            )

        assert last == "COMMIT"

    async def test_clears_away_what_others_left_on_a_connection(self, stack: Stack) -> None:
        async with connect(stack.settings.postgres_dsn.get_secret_value(), size=1, application="untidy") as database:
            await database.run(None, lambda session: session.sql.fetchval("SELECT 1"))
            async with database.connection() as connection:
                await connection.execute("SELECT pg_advisory_lock(4711); SET lock_timeout = '7s'")
            left = await stack.container.database.pool.fetchval(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE application_name = 'untidy' AND locktype = 'advisory'"
            )
            patience = await database.run(None, lambda session: session.sql.fetchval("SHOW lock_timeout"))

        assert (left, patience) == (0, "0")

    async def test_ends_what_a_failed_transaction_began(self, stack: Stack) -> None:
        async with connect(stack.settings.postgres_dsn.get_secret_value(), size=1, application="failed") as database:

            async def work(session: Session) -> None:
                await session.sql.execute("SET LOCAL lock_timeout = '7s'")
                raise RuntimeError("on second thoughts")

            with pytest.raises(RuntimeError, match="second thoughts"):
                await database.run(None, work)

            assert "0" == await database.run(None, lambda session: session.sql.fetchval("SHOW lock_timeout"))
