"""Programs as service accounts, and devices for people: OAuth 2.0 where no browser is sent back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from applications import (
    ASSERTION,
    DEVICE,
    DEVICES,
    OAUTH,
    Registered,
    bearer,
    known_by,
    new_service_account,
    on_its_own,
    own_token,
    refusal,
    registered,
)
from conftest import Stack, Tenant
from joserfc import jwt
from joserfc.jwk import ECKey
from people import Person, new_house, signed_in

from adapters.kernel.clock import new_id, utc_now
from domain.security.ids import AccessTokenId


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> Tenant:
    return await stack.tenant(organisation="The Harbour Office")


class TestClientCredentials:
    async def test_let_a_program_be_a_service_account(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant)

        told = (await own_token(stack, program)).json()
        who = (await known_by(stack, told["access_token"])).json()["data"]

        assert ("read write", False) == (told["scope"], "refresh_token" in told)
        assert ("service_account", ["read", "write"]) == (who["kind"], who["scopes"])

    async def test_reach_no_further_than_the_account_does(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant, role="viewer", scopes=("read", "admin"))

        assert "read" == (await own_token(stack, program)).json()["scope"]

    async def test_are_named_in_the_audit_trail(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant, role="admin", scopes=("admin",))
        token = (await own_token(stack, program)).json()["access_token"]

        made = await stack.http.post(
            "/v1/security/api-keys", json={"label": "made by a program", "scopes": ["read"]}, headers=bearer(token)
        )
        records = (await tenant.get("/v1/security/audit-records", limit=50))["items"]

        assert 201 == made.status_code
        [record] = [each for each in records if each["resource"] == made.json()["data"]["id"]]
        assert ("service_account", True) == (record["actorKind"], record["actorId"].startswith("sva_"))

    async def test_stop_with_the_account_and_with_the_application(self, stack: Stack, tenant: Tenant) -> None:
        account = await new_service_account(tenant)
        both = [
            await registered(
                tenant,
                grantTypes=["client_credentials"],
                redirectUris=[],
                scopes=["read"],
                serviceAccountId=account,
            )
            for _ in range(2)
        ]
        tokens = [(await own_token(stack, each)).json()["access_token"] for each in both]

        await stack.http.post(f"/v1/security/applications/{both[0].id}/disable", headers=tenant.headers)
        first = [(await known_by(stack, token)).status_code for token in tokens]
        await stack.http.post(f"/v1/security/service-accounts/{account}/disable", headers=tenant.headers)
        second = [(await known_by(stack, token)).status_code for token in tokens]

        assert ([401, 200], [401, 401]) == (first, second)
        assert [(401, "invalid_client"), (400, "unauthorized_client")] == [
            refusal(await own_token(stack, each)) for each in both
        ]

    @pytest.mark.parametrize("secret", ["", "hgx_00000000000000000000000000_a", "ö", "x" * 500])
    async def test_have_to_be_right(self, stack: Stack, tenant: Tenant, secret: str) -> None:
        program = await on_its_own(tenant)

        answer = await own_token(stack, Registered(program.id, secret, tenant))

        assert (401, "invalid_client") == refusal(answer)
        assert 'Basic realm="harborgrid"' == answer.headers["www-authenticate"]

    async def test_of_the_old_secret_work_until_the_overlap_ends(self, stack: Stack, tenant: Tenant) -> None:
        program = await on_its_own(tenant)
        path = f"/v1/security/applications/{program.id}/rotate-secret"

        fresh = await stack.http.post(path, json={"overlapSeconds": 60}, headers=tenant.headers)
        newer = Registered(program.id, fresh.json()["data"]["clientSecret"], tenant)
        both = [(await own_token(stack, each)).status_code for each in (program, newer)]
        last = await stack.http.post(path, json={"overlapSeconds": 0}, headers=tenant.headers)
        newest = Registered(program.id, last.json()["data"]["clientSecret"], tenant)

        assert [200, 200] == both
        assert [401, 401, 200] == [(await own_token(stack, each)).status_code for each in (program, newer, newest)]

    async def test_can_be_signed_with_the_applications_own_key(self, stack: Stack, tenant: Tenant) -> None:
        key = ECKey.generate_key("P-256", {"kid": "mine"})
        program = await registered(
            tenant,
            grantTypes=["client_credentials"],
            redirectUris=[],
            scopes=["read"],
            serviceAccountId=await new_service_account(tenant),
            tokenEndpointAuthMethod="private_key_jwt",
            jwks={"keys": [key.as_dict(private=False)]},
        )
        now = int(utc_now().timestamp())
        claims = {"iss": program.id, "sub": program.id, "aud": stack.url, "exp": now + 60, "jti": new_id(AccessTokenId)}

        def form(**changes: Any) -> dict[str, str]:
            return {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION,
                "client_assertion": jwt.encode({"alg": "ES256", "kid": "mine"}, {**claims, **changes}, key),
            }

        async def asked(sent: dict[str, str]) -> int:
            return (await stack.http.post(f"{OAUTH}/token", data=sent)).status_code

        once = form()
        assert [200, 401] == [await asked(once), await asked(once)]
        wrong = ({"aud": "https://elsewhere.example"}, {"exp": now - 60}, {"iss": "somebody"}, {"jti": ""})
        assert [401] * 4 == [await asked(form(**{"jti": new_id(AccessTokenId), **each})) for each in wrong]


class TestDeviceCode:
    async def begin(self, stack: Stack, tenant: Tenant) -> tuple[Registered, dict[str, Any]]:
        device = await registered(
            tenant,
            grantTypes=[DEVICE, "refresh_token"],
            redirectUris=[],
            tokenEndpointAuthMethod="none",
        )
        answer = await stack.http.post(
            f"{OAUTH}/device_authorization", data={"client_id": device.id, "scope": "openid read"}
        )
        return device, answer.json()

    async def poll(self, stack: Stack, device: Registered, told: dict[str, Any]) -> httpx.Response:
        form = {"grant_type": DEVICE, "device_code": told["device_code"], "client_id": device.id}
        return await stack.http.post(f"{OAUTH}/token", data=form)

    async def decide(self, stack: Stack, owner: Person, told: dict[str, Any], *, approved: bool) -> httpx.Response:
        body = {"userCode": told["user_code"].lower().replace("-", " "), "approved": approved}
        return await stack.http.post(f"{DEVICES}/decide", json=body, headers=owner.headers)

    async def test_lets_a_device_in_once_somebody_has_typed_the_other_code(
        self, stack: Stack, tenant: Tenant, owner: Person
    ) -> None:
        device, told = await self.begin(stack, tenant)

        waiting = [refusal(await self.poll(stack, device, told)) for _ in range(2)]
        seen = await stack.http.post(f"{DEVICES}/look-up", json={"userCode": told["user_code"]}, headers=owner.headers)
        await self.decide(stack, owner, told, approved=True)
        answer = await self.poll(stack, device, told)

        assert [(400, "authorization_pending"), (400, "slow_down")] == waiting
        assert ("Reports", ["openid", "read"]) == (seen.json()["data"]["application"], seen.json()["data"]["scopes"])
        assert owner.id == (await known_by(stack, answer.json()["access_token"])).json()["data"]["id"]
        assert (400, "invalid_grant") == refusal(await self.poll(stack, device, told))

    async def test_can_be_denied(self, stack: Stack, tenant: Tenant, owner: Person) -> None:
        device, told = await self.begin(stack, tenant)

        await self.decide(stack, owner, told, approved=False)

        assert (400, "access_denied") == refusal(await self.poll(stack, device, told))
        assert 404 == (await self.decide(stack, owner, told, approved=True)).status_code

    async def test_is_found_by_members_of_its_tenant_only(self, stack: Stack, tenant: Tenant, stranger: Tenant) -> None:
        _, told = await self.begin(stack, tenant)
        elsewhere = await signed_in(stack.http, (await new_house(stack, stranger)).owner)

        answer = await self.decide(stack, elsewhere, told, approved=True)

        assert (404, "security.user_code_unknown") == (answer.status_code, answer.json()["error"]["code"])
