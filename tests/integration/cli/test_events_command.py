"""`harborgrid events`: tail, trace, replay and park, as an operator uses them."""

from __future__ import annotations

import json

import pytest
from conftest import STORY, Stack, Tenant, until
from integration.cli.harborgrid_command import harborgrid

from adapters.kernel.clock import new_id
from domain.bus.model import ParkedId


@pytest.fixture
async def tenant(fresh_tenant: Tenant) -> Tenant:
    """Its story is its onboarding."""
    return fresh_tenant


class TestTail:
    async def test_prints_a_tenants_events_oldest_first(self, stack: Stack, tenant: Tenant) -> None:
        told = await harborgrid(stack, "events", "tail", "--tenant", tenant.id)

        assert STORY == [json.loads(line)["type"] for line in told.out.splitlines()]

    async def test_prints_as_many_as_asked_for(self, stack: Stack, tenant: Tenant) -> None:
        told = await harborgrid(stack, "events", "tail", "--tenant", tenant.id, "-n", "2")

        assert STORY[-2:] == [json.loads(line)["type"] for line in told.out.splitlines()]

    async def test_shows_a_tenants_key_its_own(self, stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
        told = await harborgrid(stack, "events", "tail", "--tenant", neighbour.id, "--api-key", tenant.api_key)

        assert {tenant.id} == {json.loads(line)["tenantId"] for line in told.out.splitlines()}

    async def test_without_any_key_says_where_one_comes_from(self, stack: Stack) -> None:
        told = await harborgrid(stack, "events", "tail", HARBORGRID_API_KEY="")

        assert 2 == told.code
        assert told.err.startswith("HARBORGRID_API_KEY: not set")
        assert "--api-key" in told.err

    async def test_with_a_wrong_key_says_so(self, stack: Stack) -> None:
        told = await harborgrid(stack, "events", "tail", "--api-key", "hgk_wrong")

        assert 2 == told.code
        assert "kernel.unauthenticated" in told.err

    async def test_without_an_api_says_how_to_start_it(self, stack: Stack) -> None:
        told = await harborgrid(stack, "events", "tail", HARBORGRID_API_PUBLIC_URL="http://127.0.0.1:1")

        assert 2 == told.code
        assert "http://127.0.0.1:1 does not answer" in told.err
        assert "make up" in told.err


class TestTrace:
    async def test_shows_the_story_as_a_tree(self, stack: Stack, tenant: Tenant) -> None:
        told = await harborgrid(stack, "events", "trace", tenant.onboarding_id)

        assert 0 == told.code, told.err
        assert all(type_ in told.out for type_ in STORY)
        assert "workflow sagas.onboarding" in told.out
        assert "activity security.provision_tenant" in told.out

    async def test_of_an_unknown_story_says_where_ids_come_from(self, stack: Stack) -> None:
        told = await harborgrid(stack, "events", "trace", "nobody-knows-this")

        assert 2 == told.code
        assert "bus.trace_not_found" in told.err
        assert "X-Correlation-ID" in told.err


class TestReplay:
    async def test_finds_a_projection_equal_to_its_events(self, stack: Stack, tenant: Tenant) -> None:
        async def is_counted() -> bool:
            counts = await tenant.get("/v1/analytics/event-counts")
            return len(STORY) == sum(int(count["count"]) for count in counts)

        await until(is_counted, what="the projection")

        told = await harborgrid(stack, "events", "replay", "analytics.event_counts", "--tenant", tenant.id)

        assert 0 == told.code, told.out + told.err
        assert f"{len(STORY)} events replayed" in told.out
        assert told.out.splitlines()[-1].strip() == "equal"

    async def test_refuses_what_is_no_projection(self, stack: Stack, tenant: Tenant) -> None:
        told = await harborgrid(stack, "events", "replay", "analytics.event_lake", "--tenant", tenant.id)

        assert 2 == told.code
        assert "bus.not_a_projection" in told.err


class TestPark:
    async def test_says_that_nothing_is_parked(self, stack: Stack, tenant: Tenant) -> None:
        told = await harborgrid(stack, "events", "park", "--tenant", tenant.id)

        assert (0, "nothing is parked") == (told.code, told.out.strip())

    async def test_refuses_to_redeliver_what_is_not_parked(self, stack: Stack) -> None:
        told = await harborgrid(stack, "events", "park", "--redeliver", new_id(ParkedId))

        assert 2 == told.code
        assert "bus.parked_event_not_found" in told.err
