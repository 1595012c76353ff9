"""The operator reads what Temporal stores encrypted, through the codec endpoint and nowhere else."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from conftest import Stack, Tenant
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from api.operator_session import COOKIE
from cli.operator import make_operator_key

DECODE = "/v1/bus/codec/decode"
SESSIONS = "/v1/security/operator-sessions"
UI = "http://127.0.0.1:8233"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
async def sealed(stack: Stack, tenant: Tenant) -> dict[str, Any]:
    """The input of the tenant's onboarding, as it stands in Temporal's history."""
    onboarding = await tenant.get(f"/v1/workflow/onboardings/{tenant.onboarding_id}")
    client = await Client.connect(stack.settings.temporal_address, namespace=stack.settings.temporal_namespace)
    history = await client.get_workflow_handle(onboarding["workflowId"]).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    payload: dict[str, Any] = json_format.MessageToDict(started.input.payloads[0])
    assert tenant.id not in base64.b64decode(payload["data"]).decode("latin-1")
    return payload


async def session_cookie(stack: Stack, key: str) -> str:
    async with httpx.AsyncClient(base_url=stack.url) as browser:
        opened = await browser.post(SESSIONS, headers={"X-API-Key": key})
        assert opened.status_code == 201
        return f"{COOKIE}={opened.cookies[COOKIE]}"


async def decode(stack: Stack, *payloads: Any, **headers: str) -> httpx.Response:
    return await stack.http.post(DECODE, json={"payloads": list(payloads)}, headers=headers)


class TestDecode:
    async def test_gives_the_operator_plain_json(self, stack: Stack, tenant: Tenant, sealed: dict[str, Any]) -> None:
        answer = await decode(stack, sealed, **stack.operator)

        [payload] = answer.json()["payloads"]
        assert answer.headers["Content-Type"] == "application/json"
        assert payload["metadata"]["encoding"] == encoded("json/plain")
        assert tenant.id in json.dumps(json.loads(base64.b64decode(payload["data"])))

    async def test_speaks_protobuf_json(self, stack: Stack, sealed: dict[str, Any]) -> None:
        answer = await decode(stack, sealed, **stack.operator)

        [told] = answer.json()["payloads"]
        payload = json_format.ParseDict(told, Payload())
        assert payload.metadata["encoding"] == b"json/plain"
        assert json.loads(payload.data)

    async def test_leaves_what_is_not_ours_as_it_is(self, stack: Stack) -> None:
        plain = {"metadata": {"encoding": encoded("json/plain")}, "data": encoded('"hello"')}
        answer = await decode(stack, plain, {"metadata": {}, "data": ""}, **stack.operator)

        assert answer.json()["payloads"] == [plain, {"metadata": {}, "data": ""}]

    async def test_refuses_tenants_their_own_payloads_too(
        self, stack: Stack, tenant: Tenant, sealed: dict[str, Any]
    ) -> None:
        answer = await decode(stack, sealed, **tenant.headers)

        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "security.operators_only"

    async def test_refuses_strangers(self, stack: Stack, sealed: dict[str, Any]) -> None:
        assert (await decode(stack, sealed)).status_code == 401

    @pytest.mark.parametrize(
        ("key_id", "code"),
        [
            ("dek_01h455vb4pex5vsknk084sn02q", "security.data_key_not_found"),
            ("\x00", "security.data_key_not_found"),
            ("", "security.data_key_not_found"),
        ],
    )
    async def test_names_a_key_that_there_is_not(self, stack: Stack, key_id: str, code: str) -> None:
        metadata = {"encoding": encoded("binary/harborgrid-aes256gcm"), "key-id": encoded(key_id)}
        answer = await decode(stack, {"metadata": metadata, "data": "AAAA"}, **stack.operator)

        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == code

    async def test_notices_a_changed_byte(self, stack: Stack, sealed: dict[str, Any]) -> None:
        data = bytearray(base64.b64decode(sealed["data"]))
        data[-1] ^= 1
        changed = {**sealed, "data": base64.b64encode(data).decode()}
        answer = await decode(stack, changed, **stack.operator)

        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "security.undecipherable"

    @pytest.mark.parametrize(
        "body",
        ['"x"', "[]", '{"payloads": 1}', '{"payloads": [1]}', '{"payloads": [null]}'],
    )
    async def test_refuses_what_is_not_payloads(self, stack: Stack, body: str) -> None:
        answer = await stack.http.post(
            DECODE, content=body, headers={**stack.operator, "Content-Type": "application/json"}
        )

        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "kernel.invalid"

    async def test_is_audited(self, stack: Stack, sealed: dict[str, Any]) -> None:
        await decode(stack, sealed, **stack.operator)
        records = await stack.http.get("/v1/security/audit-records", params={"limit": 5}, headers=stack.operator)

        assert "bus.decode_payloads" in {record["action"] for record in records.json()["data"]["items"]}


class TestSessionCookie:
    async def test_opens_the_codec(self, stack: Stack, sealed: dict[str, Any]) -> None:
        cookie = await session_cookie(stack, stack.operator_key)
        answer = await decode(stack, sealed, Cookie=cookie)

        assert answer.status_code == 200

    async def test_opens_nothing_else(self, stack: Stack) -> None:
        cookie = await session_cookie(stack, stack.operator_key)
        for path in ("/v1/security/api-keys/current", "/v1/security/tenants", "/v1/bus/events", "/v1/bus/catalogue"):
            assert (await stack.http.get(path, headers={"Cookie": cookie})).status_code == 401

    async def test_is_out_of_reach_of_scripts_and_of_other_sites(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url) as browser:
            opened = await browser.post(SESSIONS, headers=stack.operator)

        told = opened.headers["Set-Cookie"]
        assert "HttpOnly" in told
        assert "SameSite=lax" in told
        assert "Path=/v1/bus/codec" in told
        assert f"Max-Age={opened.json()['data']['lifetimeSeconds']}" in told

    async def test_is_for_operators(self, stack: Stack, tenant: Tenant) -> None:
        assert (await stack.http.post(SESSIONS, headers=tenant.headers)).status_code == 403
        assert (await stack.http.post(SESSIONS)).status_code == 401

    @pytest.mark.parametrize(
        "cookie",
        [
            f"{COOKIE}=",
            f"{COOKIE}=nonsense",
            f"{COOKIE}=key_01h455vb4pex5vsknk084sn02q.9999999999.{'0' * 64}",
            f"{COOKIE}=..",
            f"{COOKIE}=\xe9.\xe9.\xe9".encode("latin-1"),
            "=;;=",
        ],
    )
    async def test_is_not_to_be_forged(self, stack: Stack, cookie: Any) -> None:
        answer = await stack.http.post(DECODE, json={"payloads": []}, headers={"Cookie": cookie})

        assert answer.status_code == 401

    async def test_ends_with_the_key_that_opened_it(self, stack: Stack, sealed: dict[str, Any]) -> None:
        """A revoked operator cannot go on reading for the rest of the eight hours."""
        key = await make_operator_key(stack.settings, "leaves soon")
        cookie = await session_cookie(stack, key)
        key_id = f"key_{key.split('_')[1]}"
        await stack.http.post(f"/v1/security/api-keys/{key_id}/revoke", json={}, headers=stack.operator)

        assert (await decode(stack, sealed, Cookie=cookie)).status_code == 401


class TestCors:
    async def test_lets_the_temporal_ui_in(self, stack: Stack) -> None:
        preflight = await stack.http.options(
            DECODE,
            headers={
                "Origin": UI,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,x-namespace",
            },
        )
        answer = await decode(stack, Origin=UI, **stack.operator)

        assert preflight.status_code == 200
        for told in (preflight, answer):
            assert told.headers["Access-Control-Allow-Origin"] == UI
            assert told.headers["Access-Control-Allow-Credentials"] == "true"

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "http://127.0.0.1:8234", "https://127.0.0.1:8233", "null"]
    )
    async def test_lets_nobody_else_in(self, stack: Stack, origin: str) -> None:
        preflight = await stack.http.options(
            DECODE, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        answer = await decode(stack, Origin=origin, **stack.operator)

        assert preflight.status_code == 400
        assert "Access-Control-Allow-Origin" not in preflight.headers
        assert "Access-Control-Allow-Origin" not in answer.headers

    @pytest.mark.parametrize("path", ["/v1/security/api-keys/current", SESSIONS, "/openapi.json"])
    async def test_is_for_the_codec_alone(self, stack: Stack, path: str) -> None:
        answer = await stack.http.options(
            path, headers={"Origin": UI, "Access-Control-Request-Method": "POST", **stack.operator}
        )

        assert answer.status_code == 405
        assert "Access-Control-Allow-Origin" not in answer.headers
