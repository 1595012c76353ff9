"""Every answer is an envelope with its ids in the headers, however odd the request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant, serving
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

CURRENT = "/v1/security/api-keys/current"
KEYS = "/v1/security/api-keys"
EVENTS = "/v1/bus/events"
JSON = {"Content-Type": "application/json"}
MEBIBYTE = 1_048_576

mishaps = APIRouter()


@mishaps.get("/v1/tests/mishaps")
async def fail() -> None:
    raise ZeroDivisionError


@mishaps.get("/v1/tests/broken-off")
async def break_off() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"the first half"
        raise ZeroDivisionError

    return StreamingResponse(parts())


@pytest.fixture(scope="module")
async def accident(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The API with routes that fail."""
    async with serving(stack.container, extra=[mishaps]) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        yield http


@pytest.fixture(scope="module")
async def resident(stack: Stack) -> Tenant:
    """A tenant that the tests of this file share."""
    return await stack.tenant()


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The refusal's details."""
    envelope = answer.json()
    assert answer.status_code == status, answer.text
    assert envelope["success"] is False
    assert envelope["data"] is None
    assert envelope["error"]["code"] == code
    assert envelope["error"]["message"]
    assert envelope["metadata"]["requestId"] == answer.headers["X-Request-ID"]
    details: dict[str, Any] = envelope["error"]["details"]
    assert details["hint"]
    return details


class TestAnswer:
    async def test_has_four_fields_and_its_metadata(self, resident: Tenant) -> None:
        before = datetime.now(UTC)  # noqa: TID251
        answer = await resident.http.get(CURRENT, headers=resident.headers)

        envelope = answer.json()
        assert ["success", "data", "error", "metadata"] == list(envelope)
        assert envelope["success"] is True
        assert envelope["error"] is None
        assert {"timestamp", "requestId", "version"} == set(envelope["metadata"])
        assert envelope["metadata"]["version"] == answer.headers["X-API-Version"] == "1.0.0"
        assert before <= datetime.fromisoformat(envelope["metadata"]["timestamp"])

    async def test_has_a_request_id_of_its_own(self, resident: Tenant) -> None:
        answers = [await resident.http.get(CURRENT, headers=resident.headers) for _ in range(3)]

        ids = [answer.headers["X-Request-ID"] for answer in answers]
        assert len(set(ids)) == 3
        assert ids == [answer.json()["metadata"]["requestId"] for answer in answers]

    async def test_repeats_the_callers_correlation_id(self, resident: Tenant) -> None:
        headers = {**resident.headers, "X-Correlation-ID": "import-2026:07.1", "X-Request-ID": "mine"}
        answer = await resident.http.get(CURRENT, headers=headers)

        assert answer.headers["X-Correlation-ID"] == "import-2026:07.1"
        assert answer.headers["X-Request-ID"].startswith("req_")

    @pytest.mark.parametrize(
        "correlation_id", ["", "two words", "x" * 129, "semi;colon"], ids=["empty", "space", "too long", "semicolon"]
    )
    async def test_starts_a_story_of_its_own_if_the_callers_is_not_an_id(
        self, resident: Tenant, correlation_id: str
    ) -> None:
        headers = {**resident.headers, "X-Correlation-ID": correlation_id}
        answer = await resident.http.get(CURRENT, headers=headers)

        assert answer.headers["X-Correlation-ID"] == answer.headers["X-Request-ID"]


class TestRefusal:
    async def test_of_an_unknown_path_is_in_the_envelope(self, stack: Stack) -> None:
        refused(await stack.http.get("/v1/nothing/here"), 404, "kernel.not_found")

    async def test_of_a_trailing_slash_is_no_redirect(self, stack: Stack) -> None:
        refused(await stack.http.get(f"{CURRENT}/", headers=stack.operator), 404, "kernel.not_found")

    async def test_of_a_wrong_method_names_all_the_right_ones(self, stack: Stack) -> None:
        answer = await stack.http.put(KEYS, headers=stack.operator)

        refused(answer, 405, "kernel.not_allowed")
        assert answer.headers["Allow"] == "GET, POST"

    async def test_of_a_long_body_names_the_limit(self, stack: Stack) -> None:
        answer = await stack.http.post(KEYS, content=b"x" * (MEBIBYTE + 1), headers={**stack.operator, **JSON})

        assert refused(answer, 413, "kernel.too_large")["limitBytes"] == MEBIBYTE

    @pytest.mark.parametrize("path", [KEYS, "/v1/bus/codec/decode"], ids=["of a resource", "of the codec"])
    async def test_of_a_long_body_without_a_length_does_so_too(self, stack: Stack, path: str) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 65_536

        answer = await stack.http.post(path, content=parts(), headers={**stack.operator, **JSON})

        assert refused(answer, 413, "kernel.too_large")["limitBytes"] == MEBIBYTE

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp", "nonsense", None],
    )
    async def test_of_another_media_type_says_which_one_is_read(
        self, resident: Tenant, content_type: str | None
    ) -> None:
        headers = {**resident.headers, **({"Content-Type": content_type} if content_type else {})}
        answer = await resident.http.post(KEYS, content=b'{"label": "x"}', headers=headers)

        refused(answer, 415, "kernel.unsupported_media_type")

    @pytest.mark.parametrize(
        "content",
        [b"{", b"", b'{"label": "\xff"}', b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b"\x00"],
        ids=["half", "empty", "no UTF-8", "no UTF-16", "deep list", "deep object", "huge integer", "NUL"],
    )
    async def test_of_what_is_not_json_is_named(self, resident: Tenant, content: bytes) -> None:
        answer = await resident.http.post(KEYS, content=content, headers={**resident.headers, **JSON})

        if content:
            refused(answer, 400, "kernel.malformed")
        else:
            refused(answer, 422, "kernel.invalid")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ('{"label": "a\\u0000b"}', "body.label"),
            ('{"label": "a\\u0085b"}', "body.label"),
            ('{"label": "\\ud800"}', "body.label"),
            ('{"label": ""}', "body.label"),
            ('{"label": "x", "\\udfff": 1}', "body"),
            ('{"label": "x", "colour": "blue"}', "body.colour"),
            ('{"label": "x", "expiresAt": 0}', "body.expiresAt"),
            ('{"label": "x", "expiresAt": "1e308"}', "body.expiresAt"),
            ('{"label": "x", "expiresAt": "2026-01-01T00:00:00"}', "body.expiresAt"),
            ('{"label": "x", "expiresAt": "0001-01-01T00:00:00+14:00"}', "body.expiresAt"),
            (f'{{"label": "x", "expiresAt": {"9" * 4000}}}', "body.expiresAt"),
            ('{"label": "x", "scopes": ["everything"]}', "body.scopes.0"),
            ('{"label": NaN}', "body.label"),
            ('"a string"', "body"),
            ("[]", "body"),
        ],
    )
    async def test_of_a_broken_rule_names_the_field(self, resident: Tenant, body: str, field: str) -> None:
        answer = await resident.http.post(KEYS, content=body, headers={**resident.headers, **JSON})

        assert field == refused(answer, 422, "kernel.invalid")["fields"][0]["field"]

    async def test_names_fifty_fields_at_most(self, resident: Tenant) -> None:
        body = {f"unknown{number}": number for number in range(10_000)}
        answer = await resident.http.post(KEYS, json=body, headers=resident.headers)

        assert len(refused(answer, 422, "kernel.invalid")["fields"]) == 50

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=201",
            f"limit={'9' * 4000}",
            "limit=%00",
            "subject=%00",
            "subject=%0A",
            "since=yesterday",
            "since=0001-01-01T00:00:00%2B14:00",
            "since=1700000000",
            f"correlationId={'x' * 201}",
            "&".join(f"type=t{number}" for number in range(21)),
        ],
    )
    async def test_of_an_odd_query_names_it(self, resident: Tenant, query: str) -> None:
        answer = await resident.http.get(f"{EVENTS}?{query}", headers=resident.headers)

        name = query.partition("=")[0]
        assert refused(answer, 422, "kernel.invalid")["fields"][0]["field"].startswith(f"query.{name}")

    @pytest.mark.parametrize("query", ["subject=%FF%FE", "subject=%ED%A0%80", "unknown=1", "type=%F0%9F%A6%86"])
    async def test_is_not_needed_for_a_query_that_finds_nothing(self, resident: Tenant, query: str) -> None:
        answer = await resident.http.get(f"{EVENTS}?{query}", headers=resident.headers)

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "id_", ["%00", "nonsense", "evt_", "evt_" + "z" * 26, "%FF", "x" * 20_000, "evt_01h455vb4pex5vsknk084sn02q%00"]
    )
    async def test_of_what_is_not_an_id_is_named(self, resident: Tenant, id_: str) -> None:
        answer = await resident.http.get(f"{EVENTS}/{id_}", headers=resident.headers)

        refused(answer, 422, "kernel.invalid")

    async def test_of_a_long_header_does_not_echo_it(self, resident: Tenant) -> None:
        headers = {**resident.headers, "X-Correlation-ID": "x" * 30_000, "X-Nonsense": "y" * 30_000}
        answer = await resident.http.get(CURRENT, headers=headers)

        assert answer.status_code == 200
        assert len(str(answer.headers)) < 1000

    async def test_of_an_odd_idempotency_key_names_the_header(self, resident: Tenant) -> None:
        for key in (b"", b"two words", b"\xe9", b"x" * 256):
            headers = [(b"X-API-Key", resident.api_key.encode()), (b"Idempotency-Key", key)]
            answer = await resident.http.post(KEYS, json={"label": "x"}, headers=headers)

            assert [found["field"] for found in refused(answer, 422, "kernel.invalid")["fields"]] == [
                "header.Idempotency-Key"
            ]

    async def test_of_what_nobody_expected_says_nothing_about_it(self, accident: httpx.AsyncClient) -> None:
        answer = await accident.get("/v1/tests/mishaps")

        refused(answer, 500, "kernel.internal")
        assert "ZeroDivision" not in answer.text

    async def test_cannot_replace_an_answer_that_has_begun(self, accident: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await accident.get("/v1/tests/broken-off")

    async def test_keeps_the_connection(self, resident: Tenant) -> None:
        """Several answers on one connection, refused ones with unread bodies among them."""
        async with httpx.AsyncClient(
            base_url=resident.http.base_url, limits=httpx.Limits(max_connections=1), headers=resident.headers
        ) as http:
            statuses = [
                (await http.post(KEYS, content=b"{", headers=JSON)).status_code,
                (await http.post("/v1/nothing", content=b"x" * 1000)).status_code,
                (await http.get(CURRENT)).status_code,
            ]

        assert [400, 404, 200] == statuses


class TestMalformedHttp:
    async def test_is_refused_by_the_server_and_harms_nobody(self, stack: Stack) -> None:
        """Below HTTP there is no envelope: the request never becomes one."""
        host, port = stack.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"NONSENSE\r\n\r\n")
        answered = await reader.read()
        writer.close()

        assert answered.startswith(b"HTTP/1.1 400 ")
        assert (await stack.http.get(CURRENT, headers=stack.operator)).status_code == 200

    async def test_of_json_with_every_character_comes_back_unchanged(self, resident: Tenant) -> None:
        label = "".join(map(chr, (*range(0x20, 0x7F), 0xE9, 0x1F986, 0x202E)))
        made = await resident.http.post(
            KEYS, content=json.dumps({"label": label}), headers={**resident.headers, **JSON}
        )

        keys = await resident.get(KEYS)
        assert label in {key["label"] for key in keys["items"] if key["id"] == made.json()["data"]["id"]}
