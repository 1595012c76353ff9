"""The OpenAPI document says what each operation is for, what it takes, and how it refuses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema_rs
import pytest
from conftest import Stack
from described import DOCUMENT

from adapters.settings import Settings
from api.app import ROUTERS, directory_of
from api.openapi import document
from api.principals import OPEN

operations = pytest.mark.parametrize(
    "operation",
    [operation for path in DOCUMENT["paths"].values() for operation in path.values()],
    ids=[f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item],
)


class TestTheDocument:
    async def test_is_what_the_api_serves_to_everybody_who_asks(self, stack: Stack) -> None:
        """The first two ask while it is made."""
        answers = await asyncio.gather(*(stack.http.get("/openapi.json", timeout=60) for _ in range(2)))

        here = document(directory_of(*ROUTERS), Settings(api_public_url=stack.url))
        assert answers[0].content == answers[1].content
        assert answers[0].json() == json.loads(json.dumps(here))

    @operations
    def test_says_what_each_operation_is_for(self, operation: dict[str, Any]) -> None:
        assert operation["summary"]
        assert operation["description"]

    @operations
    def test_shows_a_body_that_keeps_its_own_schema(self, operation: dict[str, Any]) -> None:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            rules = {"components": DOCUMENT["components"], **content["schema"]}

            assert content["example"]
            assert jsonschema_rs.is_valid(rules, content["example"])

    @operations
    def test_shows_every_refusal_by_its_code(self, operation: dict[str, Any]) -> None:
        refusals = {status: told for status, told in operation["responses"].items() if int(status) >= 400}

        assert {"413", "422"} <= set(refusals)
        for status, told in refusals.items():
            content = told["content"].get("application/json", {"examples": {}})
            for code, example in content["examples"].items():
                if code == "rfc":
                    assert isinstance(example["value"]["error"], str)
                    continue
                assert code == example["value"]["error"]["code"], status
                assert example["value"]["error"]["details"]["hint"]

    @pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if path.startswith("/v1/")])
    def test_demands_a_key_for_everything_in_a_version(self, path: str) -> None:
        for method, operation in DOCUMENT["paths"][path].items():
            if f"{method.upper()} {path}" in OPEN:
                assert "security" not in operation
                continue
            assert [{"apiKey": []}, {"session": []}, {"oauth2": []}] == operation["security"]
            assert {"401", "403"} <= set(operation["responses"])

    def test_takes_a_key_for_every_post_of_billing_but_two(self) -> None:
        """One changes nothing, and providers have ids of their own in what they send."""
        without = {
            path
            for path, item in DOCUMENT["paths"].items()
            if path.startswith("/v1/billing/") and "post" in item
            if "Idempotency-Key" not in {parameter["name"] for parameter in item["post"].get("parameters", ())}
        }

        assert {"/v1/billing/price-quotes", "/v1/billing/webhooks/{provider}/{tenant_id}"} == without

    def test_names_the_schemes(self) -> None:
        schemes = DOCUMENT["components"]["securitySchemes"]

        assert {"type": "apiKey", "in": "header", "name": "X-API-Key"} == schemes["apiKey"]
        assert ("http", "bearer") == (schemes["session"]["type"], schemes["session"]["scheme"])
        assert schemes["oauth2"]["openIdConnectUrl"].endswith("/.well-known/openid-configuration")
