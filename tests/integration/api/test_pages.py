"""Lists come in pages: walked to the end they hold everything once."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Stack, Tenant

from api.app import ROUTERS, directory_of
from domain.kernel.pagination import encode_cursor

LISTS = [
    route.path
    for route in directory_of(*ROUTERS).routes
    if "{" not in route.path
    and "GET" in (route.methods or ())
    and "cursor" in {field.alias for field in route.dependant.query_params}
]


@pytest.fixture(scope="module")
async def resident(stack: Stack) -> Tenant:
    """A tenant with more than one page of keys, and so of events and audit records."""
    tenant = await stack.tenant()
    for number in range(7):
        made = await tenant.http.post("/v1/security/api-keys", json={"label": f"key {number}"}, headers=tenant.headers)
        assert made.status_code == 201
    return tenant


async def walk(stack: Stack, path: str, limit: int, **params: Any) -> list[list[dict[str, Any]]]:
    """Every page, asked for as the operator."""
    pages, cursor = [], None
    while True:
        query = {"limit": limit, **params, **({"cursor": cursor} if cursor else {})}
        answer = await stack.http.get(path, params=query, headers=stack.operator)
        assert answer.status_code == 200, answer.text
        page = answer.json()["data"]
        pages.append(page["items"])
        cursor = page["nextCursor"]
        if cursor is None:
            return pages


class TestPages:
    def test_are_what_eight_lists_come_in(self) -> None:
        assert len(LISTS) >= 8

    @pytest.mark.parametrize("path", LISTS)
    async def test_hold_everything_once_and_in_order(self, stack: Stack, resident: Tenant, path: str) -> None:
        [whole] = await walk(stack, path, 200, tenantId=resident.id)
        pages = await walk(stack, path, 2, tenantId=resident.id)

        assert whole == [item for page in pages for item in page]
        assert len({item["id"] for item in whole}) == len(whole)
        assert all(len(page) == 2 for page in pages[:-1])

    async def test_are_several_where_there_is_enough(self, stack: Stack, resident: Tenant) -> None:
        pages = await walk(stack, "/v1/security/api-keys", 3, tenantId=resident.id)

        assert [3, 3, 2] == [len(page) for page in pages]

    async def test_end_without_an_empty_one(self, stack: Stack, resident: Tenant) -> None:
        pages = await walk(stack, "/v1/security/api-keys", 4, tenantId=resident.id)

        assert [4, 4] == [len(page) for page in pages]

    async def test_stay_put_while_things_are_added(self, stack: Stack, tenant: Tenant) -> None:
        async def add() -> None:
            await tenant.http.post("/v1/security/api-keys", json={"label": "late"}, headers=tenant.headers)

        await add()
        first = await tenant.get("/v1/security/api-keys", limit=1)
        await add()
        second = await tenant.get("/v1/security/api-keys", limit=1, cursor=first["nextCursor"])

        assert first["items"][0]["id"] > second["items"][0]["id"]
        assert second["nextCursor"] is None

    @pytest.mark.parametrize("path", LISTS)
    @pytest.mark.parametrize(
        "cursor",
        ["nonsense", "é", "%", encode_cursor("\x00"), encode_cursor(-1), encode_cursor(2**63, 1), "WyJcdWQ4MDAiXQ"],
        ids=["not base64", "not ASCII", "percent", "NUL", "negative", "too big", "half a surrogate pair"],
    )
    async def test_refuse_a_cursor_they_never_gave_out(
        self, stack: Stack, resident: Tenant, path: str, cursor: str
    ) -> None:
        query = {"cursor": cursor, "tenantId": resident.id}
        answer = await stack.http.get(path, params=query, headers=stack.operator)

        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "kernel.bad_cursor"
