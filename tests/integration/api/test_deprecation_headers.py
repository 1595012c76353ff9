"""A route on its way out says so on every answer, for twelve months at least."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import httpx
import pytest
from conftest import Stack, serving
from fastapi import APIRouter

from api.deprecation import deprecated
from api.envelope import Answer, ok
from api.principals import may
from domain.security.model import Principal
from domain.security.permissions import LIST_TENANTS, READ_PERMISSIONS

SINCE, SUNSET = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC)
OLD = "/v1/tests/rollcalls"

router = APIRouter(prefix=OLD)


@router.get("", **deprecated(since=SINCE, sunset=SUNSET, successor="/v2/tests/rollcalls"))
async def call_the_roll(_: Annotated[Principal, may(READ_PERMISSIONS)], limit: int = 1) -> Answer[int]:
    """The old way."""
    return ok(limit)


@router.get("/current")
async def call_the_new_roll(_: Annotated[Principal, may(LIST_TENANTS)]) -> Answer[int]:
    """The new way."""
    return ok(1)


@pytest.fixture(scope="module")
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The API with a deprecated route, called by the operator."""
    async with (
        serving(stack.container, extra=[router]) as url,
        httpx.AsyncClient(base_url=url, headers=stack.operator, timeout=60) as client,
    ):
        yield client


class TestDeprecatedRoute:
    @pytest.mark.parametrize("query", ["limit=1", "limit=x"], ids=["an answer", "a refusal"])
    async def test_says_since_when_until_when_and_what_instead(self, http: httpx.AsyncClient, query: str) -> None:
        answer = await http.get(f"{OLD}?{query}")

        assert answer.headers["Deprecation"] == f"@{int(SINCE.timestamp())}" == "@1767225600"
        assert answer.headers["Sunset"] == "Fri, 31 Dec 2027 23:59:59 GMT"
        assert answer.headers["Link"] == '</v2/tests/rollcalls>; rel="successor-version"'

    async def test_says_so_to_strangers(self, http: httpx.AsyncClient) -> None:
        async with httpx.AsyncClient(base_url=http.base_url) as stranger:
            answer = await stranger.get(OLD)

        assert answer.status_code == 401
        assert answer.headers["Sunset"] == "Fri, 31 Dec 2027 23:59:59 GMT"

    async def test_leaves_its_neighbours_alone(self, http: httpx.AsyncClient) -> None:
        answer = await http.get(f"{OLD}/current")

        assert answer.status_code == 200
        assert not {"deprecation", "sunset", "link"} & set(answer.headers)

    async def test_is_marked_in_the_document(self, http: httpx.AsyncClient) -> None:
        paths = (await http.get("/openapi.json")).json()["paths"]

        assert paths[OLD]["get"]["deprecated"] is True
        assert "deprecated" not in paths[f"{OLD}/current"]["get"]


class TestDeprecated:
    @pytest.mark.parametrize(
        ("since", "sunset"),
        [
            (SINCE, SINCE + timedelta(days=364)),
            (SINCE, SINCE),
            (datetime(2027, 3, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
            (datetime(2028, 2, 29, tzinfo=UTC), datetime(2029, 2, 28, tzinfo=UTC)),
        ],
        ids=["a day short", "at once", "a leap day short", "from a leap day"],
    )
    def test_refuses_less_than_twelve_months(self, since: datetime, sunset: datetime) -> None:
        with pytest.raises(ValueError, match="twelve months"):
            deprecated(since=since, sunset=sunset, successor="/v2")

    def test_takes_twelve_months(self) -> None:
        assert deprecated(since=SINCE, sunset=datetime(2027, 1, 1, tzinfo=UTC), successor="/v2")["deprecated"] is True

    async def test_tells_the_sunset_in_gmt_wherever_it_was_written(self, stack: Stack) -> None:
        elsewhere = APIRouter(prefix="/v1/tests/elsewhere")
        sunset = SUNSET.astimezone(timezone(timedelta(hours=9)))
        elsewhere.get("", **deprecated(since=SINCE, sunset=sunset, successor="/v2"))(call_the_roll)

        async with serving(stack.container, extra=[elsewhere]) as url, httpx.AsyncClient(base_url=url) as client:
            answer = await client.get("/v1/tests/elsewhere", headers=stack.operator)

        assert answer.headers["Sunset"] == "Fri, 31 Dec 2027 23:59:59 GMT"
