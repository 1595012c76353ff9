"""ETags: nobody overwrites a change they have not seen, and nobody downloads what they have."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant


@pytest.fixture(scope="module")
async def unchanged(stack: Stack) -> Tenant:
    """A tenant whose dashboard stays as it is."""
    return await stack.tenant()


@pytest.fixture
async def tenant(fresh_tenant: Tenant) -> Tenant:
    """Each test changes its dashboard."""
    return fresh_tenant


@pytest.fixture
async def path(tenant: Tenant) -> str:
    """The tenant's dashboard."""
    dashboards = await tenant.get("/v1/analytics/dashboards")
    return f"/v1/analytics/dashboards/{dashboards['items'][0]['id']}"


async def rename(tenant: Tenant, path: str, title: str, if_match: str | None) -> httpx.Response:
    headers = {**tenant.headers, **({"If-Match": if_match} if if_match is not None else {})}
    return await tenant.http.patch(path, json={"title": title}, headers=headers)


def error(answer: httpx.Response) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()["error"]
    return told


class TestIfMatch:
    async def test_is_demanded(self, tenant: Tenant, path: str) -> None:
        answer = await rename(tenant, path, "Blind", None)

        assert answer.status_code == 428
        assert error(answer)["code"] == "kernel.precondition_required"

    async def test_lets_the_change_of_the_version_that_was_read_through(self, tenant: Tenant, path: str) -> None:
        read = await tenant.http.get(path, headers=tenant.headers)
        changed = await rename(tenant, path, "Operations", read.headers["ETag"])
        again = await tenant.http.get(path, headers=tenant.headers)

        assert (read.headers["ETag"], changed.headers["ETag"]) == ('"1"', '"2"')
        assert changed.json()["data"]["title"] == "Operations"
        assert again.json()["data"] == changed.json()["data"]
        assert again.headers["ETag"] == changed.headers["ETag"]

    async def test_stops_a_change_of_an_older_version_and_names_the_current_one(
        self, tenant: Tenant, path: str
    ) -> None:
        await rename(tenant, path, "First", '"1"')
        answer = await rename(tenant, path, "Second", '"1"')

        assert answer.status_code == 412
        assert error(answer)["code"] == "kernel.precondition_failed"
        assert error(answer)["details"]["currentRevision"] == 2
        assert (await tenant.get(path))["title"] == "First"

    async def test_lets_one_of_concurrent_changes_through(self, tenant: Tenant, path: str) -> None:
        answers = await asyncio.gather(*(rename(tenant, path, f"Title {number}", '"1"') for number in range(6)))

        winners = [answer.json()["data"]["title"] for answer in answers if answer.status_code == 200]
        assert [(await tenant.get(path))["title"]] == winners
        assert [412] * 5 == sorted(answer.status_code for answer in answers)[1:]


class TestIfMatchOfSomethingElse:
    @pytest.fixture
    async def tenant(self, unchanged: Tenant) -> Tenant:
        """Nothing of it is changed here."""
        return unchanged

    @pytest.mark.parametrize("tag", ["1", 'W/"1"', "*", '""', '"-1"', '"1", "2"', '"99999999999999999999"', '"x"'])
    async def test_is_one_strong_etag_of_this_resource(self, tenant: Tenant, path: str, tag: str) -> None:
        answer = await rename(tenant, path, "Never", tag)

        assert answer.status_code == 412
        assert (await tenant.get(path))["revision"] == 1


class TestIfNoneMatch:
    @pytest.fixture
    async def tenant(self, unchanged: Tenant) -> Tenant:
        """Nothing of it is changed here."""
        return unchanged

    @pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", '"7", "1"'], ids=["same", "weak", "any", "one of several"])
    async def test_of_the_current_version_spares_the_body(self, tenant: Tenant, path: str, tag: str) -> None:
        answer = await tenant.http.get(path, headers={**tenant.headers, "If-None-Match": tag})

        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["ETag"] == '"1"'
        assert answer.headers["X-Request-ID"]

    @pytest.mark.parametrize("tag", ['"2"', "1", "nonsense", ""])
    async def test_of_another_version_brings_the_current_one(self, tenant: Tenant, path: str, tag: str) -> None:
        answer = await tenant.http.get(path, headers={**tenant.headers, "If-None-Match": tag})

        assert answer.status_code == 200
        assert answer.json()["data"]["revision"] == 1

    async def test_does_not_tell_a_stranger_which_version_is_current(
        self, tenant: Tenant, neighbour: Tenant, path: str
    ) -> None:
        strangers = await tenant.http.get(path, headers={"If-None-Match": "*"})
        neighbours = await tenant.http.get(path, headers={**neighbour.headers, "If-None-Match": "*"})

        assert (strangers.status_code, neighbours.status_code) == (401, 404)
