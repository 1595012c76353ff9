"""Applications are registered if they could work, and what nobody could mean has a named error."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from applications import (
    ASSERTION,
    CALLBACK,
    OAUTH,
    VERIFIER,
    code_for,
    new_service_account,
    refusal,
    registered,
)
from conftest import Stack, Tenant
from joserfc.jwk import ECKey
from people import Person


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Harbour Office")


class TestRegistration:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"redirectUris": ["http://reports.example/callback"]}, "is not on TLS"),
            ({"redirectUris": ["https://reports.example/#part"]}, "has a fragment"),
            ({"redirectUris": ["javascript:alert(1)"]}, "has a scheme"),
            ({"redirectUris": ["https://user@reports.example/"]}, "names no host, or a user"),
            ({"redirectUris": ["https://[reports/"]}, "is no URI"),
            ({"redirectUris": []}, "needs redirectUris"),
            ({"grantTypes": ["refresh_token"], "redirectUris": []}, "no way to a first token"),
            ({"grantTypes": ["client_credentials"], "redirectUris": []}, "needs a serviceAccountId"),
            ({"scopes": ["everything"]}, "there is no scope everything"),
            ({"idTokenSignedResponseAlg": "HS256"}, "is one of EdDSA"),
            ({"jwks": {"keys": []}}, "needs private_key_jwt"),
            (
                {"tokenEndpointAuthMethod": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
                "belongs nowhere but with its owner",
            ),
        ],
    )
    async def test_says_what_does_not_fit_together(
        self, stack: Stack, tenant: Tenant, change: dict[str, Any], words: str
    ) -> None:
        body = {"name": "Reports", "redirectUris": [CALLBACK], **change}

        answer = await stack.http.post("/v1/security/applications", json=body, headers=tenant.headers)

        assert (422, "security.application_invalid") == (answer.status_code, answer.json()["error"]["code"])
        assert words in " ".join(answer.json()["error"]["details"]["problems"])

    async def test_lets_a_native_app_choose_its_port(self, stack: Stack, tenant: Tenant, owner: Person) -> None:
        native = await registered(
            tenant,
            redirectUris=["http://127.0.0.1/done"],
            tokenEndpointAuthMethod="none",
        )
        place = "http://127.0.0.1:53682/done"
        code = await code_for(stack, native, owner, redirect_uri=place)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": place,
            "code_verifier": VERIFIER,
            "client_id": native.id,
        }

        assert 200 == (await stack.http.post(f"{OAUTH}/token", data=form)).status_code

    async def test_of_an_owner_among_programs_is_refused(self, stack: Stack, tenant: Tenant) -> None:
        answer = await stack.http.post(
            "/v1/security/service-accounts", json={"name": "captain", "role": "owner"}, headers=tenant.headers
        )

        assert (403, "security.role_above_yours") == (answer.status_code, answer.json()["error"]["code"])


class TestBadInput:
    @pytest.mark.parametrize("credentials", ["Basic \xe9", "Basic /w==", "Basic", "Basic Og==", "Basic ;;"])
    async def test_as_credentials_is_answered_as_none(self, stack: Stack, credentials: str) -> None:
        answer = await stack.http.post(
            f"{OAUTH}/token",
            data={"grant_type": "client_credentials"},
            headers={b"Authorization": credentials.encode("latin-1")},
        )

        assert (401, "invalid_client") == refusal(answer)

    async def test_as_keys_is_kept_as_far_as_it_is_known(self, stack: Stack, tenant: Tenant) -> None:
        key = ECKey.generate_key("P-256", {"kid": "mine"}).as_dict(private=False)
        body = {
            "name": "odd",
            "grantTypes": ["client_credentials"],
            "scopes": ["read"],
            "serviceAccountId": await new_service_account(tenant),
            "tokenEndpointAuthMethod": "private_key_jwt",
        }

        kept = await stack.http.post(
            "/v1/security/applications",
            json={**body, "jwks": {"keys": [{**key, "x5c": ["\u0000"], "n_": 2**70}]}},
            headers=tenant.headers,
        )
        many = await stack.http.post(
            "/v1/security/applications",
            json={**body, "jwks": {"keys": [{**key, "kid": str(n)} for n in range(11)]}},
            headers=tenant.headers,
        )

        assert {**key} == kept.json()["data"]["application"]["jwks"]["keys"][0]
        assert (422, True) == (many.status_code, "more than 10 keys" in many.text)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"grant_type=authorization_code",
            b"grant_type=password&username=a&password=b",
            b"grant_type=client_credentials&grant_type=client_credentials",
            b"%ff%fe=1",
            b"\xff\xfe",
            b"grant_type=%22",
            b"{}",
            b"&".join(b"a%d=1" % n for n in range(100)),
            b"grant_type=client_credentials&client_assertion=a.b.c&client_assertion_type=" + quote(ASSERTION).encode(),
        ],
    )
    async def test_at_the_token_endpoint_has_a_named_error(self, stack: Stack, body: bytes) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}

        answer = await stack.http.post(f"{OAUTH}/token", content=body, headers=headers)

        known = {"invalid_request", "invalid_client", "unsupported_grant_type"}
        assert (True, True) == (answer.status_code in {400, 401}, answer.json()["error"] in known)
