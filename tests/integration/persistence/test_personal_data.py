"""Nobody keeps anything about people without having said so, and events forget them by one door only."""

from __future__ import annotations

import asyncpg
import pytest
from conftest import Stack, Tenant

from domain.catalogue import CATALOGUE
from domain.kernel.personal_data import ERASED, IMPERSONAL

_TABLES = """
SELECT DISTINCT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname = ANY($1) AND relname <> 'alembic_version'
"""
_WORDS = ("email", "address", "phone", "owner_name", "person_name", "recipient_name")


class TestTables:
    async def test_are_each_accounted_for_once(self, stack: Stack, tenant: Tenant) -> None:
        async with stack.container.database.connection() as connection:
            rows = await connection.fetch(_TABLES, ["platform", tenant.id])

        accounted = [table for holder in stack.container.holders for table in holder.tables]
        assert {row["relname"] for row in rows} == set(accounted)
        assert len(accounted) == len(set(accounted))

    def test_that_keep_something_say_why(self, stack: Stack) -> None:
        reasons = {
            table: why
            for holder in stack.container.holders
            for table, why in holder.tables.items()
            if why not in (ERASED, IMPERSONAL)
        }

        assert all(len(why.split()) >= 5 for why in reasons.values())

    def test_are_of_all_ten_modules_and_the_bus(self, stack: Stack) -> None:
        modules = [holder.module for holder in stack.container.holders]

        assert 11 == len(set(modules)) == len(modules)


class TestEvent:
    def test_field_that_names_a_person_is_marked(self) -> None:
        unmarked = [
            f"{kind.about.type}: {name}"
            for kind in CATALOGUE
            for name, field in kind.model_fields.items()
            if any(word in name for word in _WORDS) and not field.json_schema_extra
        ]

        assert [] == unmarked

    async def test_is_blanked_by_its_function_and_changed_by_nothing_else(self, stack: Stack, tenant: Tenant) -> None:
        async with stack.container.database.connection() as connection:
            event = await connection.fetchval(
                "SELECT id FROM platform.events WHERE tenant_id = $1 AND type = 'workflow.onboarding.requested'",
                tenant.id,
            )
            for attempt in (
                "UPDATE platform.events SET data = '{}' WHERE id = $1",
                "DELETE FROM platform.events WHERE id = $1",
            ):
                await connection.execute("SELECT set_config('search_path', 'platform', false)")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(attempt, event)
            blanked = [
                await connection.fetchval("SELECT platform.blank_event($1, $2)", event, fields)
                for fields in (["nothing"], ["ownerName"])
            ]
            data = await connection.fetchval("SELECT data FROM platform.events WHERE id = $1", event)
        async with stack.container._owner().connection() as owner:
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute("UPDATE platform.events SET data = '{}' WHERE id = $1", event)

        assert [False, True] == blanked
        assert "[erased]" == data["ownerName"] != data["ownerEmail"]
