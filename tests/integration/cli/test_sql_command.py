"""`harborgrid sql` shows a tenant's lake: it answers questions, changes nothing and sees nothing else."""

from __future__ import annotations

import pytest
from conftest import Stack, Tenant, until
from integration.cli.harborgrid_command import harborgrid

from adapters.kernel.clock import new_id
from domain.kernel.ids import TenantId

REFUSED = {
    "copying out": "COPY lake.events TO '/tmp/events.csv'",
    "inserting": "INSERT INTO lake.events (id) VALUES ('evt_1')",
    "deleting": "DELETE FROM lake.events",
    "dropping": "DROP TABLE lake.events",
    "creating": "CREATE TABLE mine AS SELECT 1",
    "attaching": "ATTACH ':memory:' AS other",
    "detaching": "DETACH lake",
    "setting": "SET enable_external_access = true",
    "installing": "INSTALL spatial",
    "loading": "LOAD spatial",
    "calling": "CALL lake.set_commit_message('me', 'mine')",
    "exporting": "EXPORT DATABASE '/tmp/everything'",
    "hiding behind a question": "SELECT 1; DELETE FROM lake.events",
}


@pytest.fixture(scope="module")
async def analysed(stack: Stack) -> Tenant:
    """A tenant whose six events have reached its lake, one that was prepared for nobody in particular."""
    await stack.container.spare_schemas().fill()
    tenant = await stack.tenant()

    async def is_loaded() -> bool:
        states = await stack.container.subscriptions.states(TenantId(tenant.id))
        return any(state.subscription == "analytics.event_lake" and state.lag_events == 0 for state in states)

    await until(is_loaded, what="the lake")
    return tenant


class TestAsk:
    async def test_shows_the_answer(self, stack: Stack, analysed: Tenant) -> None:
        told = await harborgrid(stack, "sql", "--tenant", analysed.id, "SELECT count(*) AS events FROM lake.events")

        assert 0 == told.code, told.out + told.err
        assert ["events", "6"] == [line.strip("┃│ ") for line in told.out.splitlines() if line[0] in "┃│"]

    async def test_takes_statements_from_standard_input(self, stack: Stack, analysed: Tenant) -> None:
        statements = "SELECT 'first' AS a;\nSELECT\n  'second' AS b;\nSELECT 'last' AS c"

        told = await harborgrid(stack, "sql", "--tenant", analysed.id, stdin=statements)

        assert 0 == told.code, told.out + told.err
        assert all(word in told.out for word in ("first", "second", "last"))

    async def test_says_what_is_wrong_with_a_statement(self, stack: Stack, analysed: Tenant) -> None:
        told = await harborgrid(stack, "sql", "--tenant", analysed.id, "SELECT nonsense FROM lake.events")

        assert 1 == told.code
        assert "nonsense" in told.out


class TestRefuse:
    async def test_whatever_does_not_only_read(self, stack: Stack, analysed: Tenant) -> None:
        told = await harborgrid(stack, "sql", "--tenant", analysed.id, "INSERT INTO lake.events (id) VALUES ('evt_1')")

        assert 1 == told.code, told.out + told.err
        assert "changes something Use SELECT" in told.out

    async def test_every_other_way_to_change_something(self, stack: Stack, analysed: Tenant) -> None:
        statements = [*REFUSED.values(), "SELECT count(*) AS still FROM lake.events"]

        told = await harborgrid(stack, "sql", "--tenant", analysed.id, stdin="".join(f"{sql};\n" for sql in statements))

        answers = [line for line in told.out.splitlines() if line[0] not in "┏┡└"]
        assert [] == [
            name for name, line in zip(REFUSED, answers, strict=False) if "changes something Use SELECT" not in line
        ]
        assert ["still", "6"] == [line.strip("┃│ ") for line in answers[len(REFUSED) : -1]]

    @pytest.mark.parametrize(
        "source",
        ["read_text('/etc/passwd')", "read_csv('/etc/passwd')", "'/etc/passwd'", "glob('/etc/*')"],
        ids=["as text", "as a table", "by its name", "listing a folder"],
    )
    async def test_to_read_files_of_the_machine(self, stack: Stack, analysed: Tenant, source: str) -> None:
        told = await harborgrid(stack, "sql", "--tenant", analysed.id, f"SELECT * FROM {source}")

        assert 1 == told.code, told.out
        assert "root:" not in told.out

    @pytest.mark.parametrize(
        "table",
        ['"lake_{neighbour}".ducklake_metadata', '"{neighbour}".analytics_dashboard', "platform.events", "pg_authid"],
        ids=["a neighbour's catalogue", "a neighbour's schema", "everybody's events", "passwords"],
    )
    async def test_to_reach_past_its_own_catalogue(
        self, stack: Stack, analysed: Tenant, neighbour: Tenant, table: str
    ) -> None:
        query = f"SELECT * FROM {table.format(neighbour=neighbour.id)}".replace("'", "''")

        told = await harborgrid(
            stack,
            "sql",
            "--tenant",
            analysed.id,
            f"SELECT * FROM postgres_query('__ducklake_metadata_lake', '{query}')",
        )

        assert 1 == told.code, told.out
        assert "permission denied" in told.out

    async def test_to_run_statements_in_the_catalogue(self, stack: Stack, analysed: Tenant) -> None:
        schema = f'"lake_{analysed.id}"'

        told = await harborgrid(
            stack,
            *("sql", "--tenant", analysed.id),
            f"SELECT * FROM postgres_query('__ducklake_metadata_lake', "
            f"'WITH gone AS (DELETE FROM {schema}.ducklake_snapshot RETURNING 1) SELECT * FROM gone')",
        )

        assert 1 == told.code, told.out

    async def test_a_tenant_without_a_lake_with_what_to_do(self, stack: Stack) -> None:
        told = await harborgrid(stack, "sql", "--tenant", new_id(TenantId), "SELECT 1")

        assert 1 == told.code
        assert "analytics.lake_not_found" in told.err
        assert "Check the tenant id" in told.err

    async def test_what_is_no_tenant_id_with_an_example(self, stack: Stack) -> None:
        told = await harborgrid(stack, "sql", "--tenant", "northwind", "SELECT 1")

        assert 1 == told.code
        assert "expected an id like ten_" in told.err
