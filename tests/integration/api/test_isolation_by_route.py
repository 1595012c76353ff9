"""Every route that names a thing, called by a stranger, by the wrong tenant and by the right caller."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from applications import on_its_own, own_token
from conftest import Stack, Tenant, until
from owning import BILLING, Route, billing_ids
from people import new_member, signed_in
from x509s import made

from adapters.kernel.clock import utc_now
from api.app import ROUTERS, directory_of
from domain.security.people import Role

LATELY = (utc_now() - timedelta(hours=1)).isoformat()
SOON = (utc_now() + timedelta(days=1)).isoformat()


POLICY = {"name": "nothing new", "text": "permit (principal, action, resource) when { false };"}
PLAN = {
    "treatment": "mitigate",
    "plan": "None.",
    "assignee": "Somebody",
    "treatBy": (utc_now() + timedelta(days=1)).isoformat(),
    "residualLikelihood": 1,
    "residualImpact": 1,
}
BY_ID = [
    Route("GET", "/v1/workflow/onboardings/{onboarding_id}"),
    Route("POST", "/v1/workflow/onboardings/{onboarding_id}/cancel", body={}, wrong=403, right=409, by_operator=True),
    *BILLING,
    Route("GET", "/v1/billing/platform-subscriptions/{platform_subscription_id}"),
    Route("GET", "/v1/security/tenants/{tenant_id}"),
    Route("POST", "/v1/security/api-keys/{api_key_id}/reveal", right=409),
    Route("POST", "/v1/security/api-keys/{api_key_id}/rotate", body={}, right=201),
    Route("POST", "/v1/security/api-keys/{api_key_id}/revoke", body={}),
    Route("GET", "/v1/security/tenant-migrations/{revision}", wrong=403, right=404, by_operator=True),
    Route("GET", "/v1/security/audit-records/{record_id}/proof"),
    Route("GET", "/v1/security/audit-verifications/{verification_id}"),
    Route("GET", "/v1/security/policies/{policy_id}"),
    Route("GET", "/v1/security/policies/{policy_id}/revisions"),
    Route("PUT", "/v1/security/policies/{policy_id}", body=POLICY, headers={"If-Match": '"1"'}),
    Route("DELETE", "/v1/security/policies/{policy_id}", headers={"If-Match": '"99"'}, right=412),
    Route("POST", "/v1/security/sessions/{session_id}/revoke"),
    Route("POST", "/v1/security/authorizations/{grant_id}/revoke"),
    Route("POST", "/v1/security/client-certificates/{certificate_id}/revoke"),
    Route("POST", "/v1/security/identity-providers/{provider_id}/disable"),
    Route("POST", "/v1/security/erasures/{erasure_id}/cancel", wrong=403, right=404, by_operator=True),
    Route("GET", "/v1/security/erasures/{erasure_id}/progress", wrong=403, right=404, by_operator=True),
    Route("POST", "/v1/security/exchange-keys/{exchange_key_id}/revoke"),
    Route("POST", "/v1/security/breaches/{breach_id}/assess", body={"measures": "None."}),
    Route("POST", "/v1/security/breaches/{breach_id}/authority-notified", body={"authority": "ICO", "at": LATELY}),
    Route("POST", "/v1/security/breaches/{breach_id}/subjects-told", body={"at": LATELY}),
    Route("GET", "/v1/security/breaches/{breach_id}/progress"),
    Route("POST", "/v1/security/breaches/{breach_id}/close"),
    Route("GET", "/v1/security/risks/{risk_id}"),
    Route("GET", "/v1/security/risks/{risk_id}/progress"),
    Route("POST", "/v1/security/risks/{risk_id}/assess", body={"likelihood": 1, "impact": 1}),
    Route("POST", "/v1/security/risks/{risk_id}/plan", body=PLAN),
    Route("POST", "/v1/security/risks/{risk_id}/approve", right=409),
    Route("POST", "/v1/security/risks/{risk_id}/close", body={"outcome": "It was none."}),
    Route("GET", "/v1/security/evidence-collections/{collection_id}/progress"),
    Route("GET", "/v1/security/subject-requests/{subject_request_id}"),
    Route("GET", "/v1/security/subject-requests/{subject_request_id}/progress"),
    Route("GET", "/v1/security/subject-requests/{subject_request_id}/document", right=409),
    Route("GET", "/v1/security/subject-requests/{subject_request_id}/certificate", right=409),
    Route("POST", "/v1/security/subject-requests/{subject_request_id}/cancel"),
    Route("POST", "/v1/security/legal-holds/{legal_hold_id}/lift"),
    Route("GET", "/v1/security/threats/{threat_id}"),
    Route("GET", "/v1/security/threats/{threat_id}/progress"),
    Route("POST", "/v1/security/threats/{threat_id}/contain", right=409),
    Route("POST", "/v1/security/threats/{threat_id}/close", body={"verdict": "resolved"}),
    Route("POST", "/v1/security/network-bans/{ban_id}/lift"),
    Route("DELETE", "/v1/security/detection-rules/{rule_id}"),
    Route("GET", "/v1/security/reencryptions/{reencryption_id}/progress"),
    Route("GET", "/v1/security/elevations/{elevation_id}/progress"),
    Route("POST", "/v1/security/elevations/{elevation_id}/approve", wrong=403, right=403),
    Route("POST", "/v1/security/elevations/{elevation_id}/deny", wrong=403, right=403),
    Route("POST", "/v1/security/elevations/{elevation_id}/review", body={"note": "seen"}, wrong=403, right=403),
    Route("POST", "/v1/security/elevations/{elevation_id}/end"),
    Route("PUT", "/v1/security/break-glass-members/{user_id}", wrong=403, right=403),
    Route("DELETE", "/v1/security/break-glass-members/{user_id}", wrong=403, right=403),
    Route("POST", "/v1/security/passkeys/{passkey_id}/remove", body={"password": "x"}, wrong=403, right=403),
    Route("POST", "/v1/security/applications/{application_id}/rotate-secret", body={}),
    Route("POST", "/v1/security/applications/{application_id}/disable"),
    Route("POST", "/v1/security/service-accounts/{service_account_id}/disable"),
    Route(
        "POST",
        "/v1/security/signing-keys/{signing_key_id}/revoke",
        body={"reason": "for the test"},
        wrong=403,
        by_operator=True,
    ),
    Route("GET", "/v1/security/members/{user_id}"),
    Route("PATCH", "/v1/security/members/{user_id}", body={"role": "viewer"}),
    Route("DELETE", "/v1/security/members/{user_id}"),
    Route("POST", "/v1/security/second-factor/{user_id}/reset", wrong=403, right=409, by_operator=True),
    Route("GET", "/v1/security/invitations/{invitation_id}"),
    Route("GET", "/v1/security/invitations/{invitation_id}/progress"),
    Route("POST", "/v1/security/invitations/{invitation_id}/revoke"),
    Route("GET", "/v1/analytics/dashboards/{dashboard_id}"),
    Route("PATCH", "/v1/analytics/dashboards/{dashboard_id}", body={"title": "Mine"}, headers={"If-Match": '"1"'}),
    Route("GET", "/v1/notifications/deliveries/{notification_id}"),
    Route("GET", "/v1/bus/events/{event_id}"),
    Route("GET", "/v1/bus/subscriptions/{name}/rebuilds/{rebuild_id}"),
    Route("GET", "/v1/bus/parked/{parked_id}"),
    Route("POST", "/v1/bus/parked/{parked_id}/redeliver", right=202),
    Route("GET", "/v1/bus/traces/{correlation_id}"),
]
# The catalogues are everyone's. What is attested or rebuilt is the caller's own tenant's: there is nothing to name.
NOBODYS = {
    "POST /v1/security/controls/{control_id}/attest",
    "PUT /v1/security/retention-rules/{category}",
    "POST /v1/billing/webhooks/{provider}/{tenant_id}",
    "GET /v1/bus/catalogue/{type}/schema.json",
    "POST /v1/bus/subscriptions/{name}/rebuilds",
}

_PARK = """
INSERT INTO platform.bus_parked (id, subscription, tenant_id, subject, event_id, xid, seq, code, reason, attempts)
SELECT $1, 'analytics.event_counts', tenant_id, subject, id, xid, seq, 'bus.event_rejected', 'for the test', 1
FROM platform.events WHERE tenant_id = $2 ORDER BY xid, seq LIMIT 1
"""


RULE = """
title: Somebody did something
id: 7f0b3c6e-2a61-4b64-9d2a-00000000aaaa
logsource: {product: harborgrid, category: audit}
detection: {selection: {action: security.rotate_data_key}, condition: selection}
"""


async def threatened(stack: Stack, owner: Tenant) -> str:
    """A threat of the owner's, by their own rule, which has fired since."""
    await owner.http.post("/v1/security/data-keys/rotate", headers=owner.headers)
    await stack.http.post("/v1/security/threat-scans", headers=stack.operator)

    async def found() -> str | None:
        items = (await owner.get("/v1/security/threats"))["items"]
        return items[0]["id"] if items else None

    threat: str = await until(found, what="the owner's threat")
    return threat


async def collection_of(owner: Tenant) -> str:
    """A round through the owner's controls, which has begun."""
    started = await owner.http.post("/v1/security/evidence-collections", headers=owner.headers)

    async def begun() -> list[Any]:
        items: list[Any] = (await owner.get("/v1/security/evidence-collections"))["items"]
        return items

    await until(begun, what="the owner's round to begin")
    return str(started.json()["data"]["id"])


@pytest.fixture(scope="module")
async def owner(stack: Stack) -> Tenant:
    """Whose things the neighbour shall not see."""
    return await stack.tenant(organisation="The Owners")


@pytest.fixture(scope="module")
async def ids(stack: Stack, owner: Tenant) -> dict[str, str]:
    """An id of the owner's for every parameter."""

    async def first(path: str) -> str:
        return str((await owner.get(path))["items"][0]["id"])

    key = await owner.http.post("/v1/security/api-keys", json={"label": "spare"}, headers=owner.headers)
    rebuild = await owner.http.post(
        "/v1/bus/subscriptions/analytics.event_counts/rebuilds", json={}, headers=owner.headers
    )
    policy = await owner.http.post("/v1/security/policies", json=POLICY, headers=owner.headers)
    await new_member(stack, owner, "somebody@owners.example", Role.MEMBER)
    person = await signed_in(stack.http, "somebody@owners.example")
    guest = {"email": "guest@owners.example"}
    invitation = await owner.http.post("/v1/security/invitations", json=guest, headers=owner.headers)
    program = await on_its_own(owner)
    await own_token(stack, program)
    certificate = await owner.http.post(
        "/v1/security/client-certificates",
        json={
            "serviceAccountId": await first("/v1/security/service-accounts"),
            "certificate": made("for the test").pem,
        },
        headers=owner.headers,
    )
    await new_member(stack, owner, "master@owners.example", Role.OWNER)
    master = await signed_in(stack.http, "master@owners.example")
    provider = await owner.http.post(
        "/v1/security/identity-providers",
        json={
            "name": "Ourselves",
            "issuer": stack.url,
            "clientId": program.id,
            "clientSecret": program.secret,
            "redirectUris": ["https://front.example/"],
        },
        headers=master.headers,
    )
    wish = {"role": "admin", "reason": "for the test"}
    elevation = await stack.http.post("/v1/security/elevations", json=wish, headers=person.headers)
    keys = await stack.http.get("/v1/security/signing-keys", headers=stack.operator)
    banned = {"network": "203.0.113.0/24", "reason": "for the test"}
    ban = await owner.http.post("/v1/security/network-bans", json=banned, headers=owner.headers)
    told = {
        "title": "A leak",
        "awareAt": (utc_now() - timedelta(hours=2)).isoformat(),
        "nature": "Of water.",
        "risk": "unlikely",
    }
    breach = await owner.http.post("/v1/security/breaches", json=told, headers=owner.headers)
    wanted = {"kind": "erasure", "email": "leaver@owners.example", "reason": "for the test", "graceDays": 9}
    subject = await owner.http.post("/v1/security/subject-requests", json=wanted, headers=owner.headers)
    hold = await owner.http.post("/v1/security/legal-holds", json={"matter": "Water"}, headers=owner.headers)
    risk = await owner.http.post("/v1/security/risks", json={"title": "A leak"}, headers=owner.headers)
    rule = await owner.http.post("/v1/security/detection-rules", json={"text": RULE}, headers=owner.headers)
    exchange = await owner.http.post("/v1/security/exchange-keys", json={"name": "theirs"}, headers=owner.headers)
    rotated = await owner.http.post("/v1/security/data-keys/rotate", headers=owner.headers)
    verification = await owner.http.post("/v1/security/audit-verifications", json={}, headers=owner.headers)
    await stack.http.post("/v1/security/audit-checkpoints", headers=stack.operator)

    async def sealed() -> list[Any]:
        items: list[Any] = (await owner.get("/v1/security/audit-checkpoints"))["items"]
        return items

    await until(sealed, what="the owner's first checkpoint")
    parked_id = "prk_01h455vb4pex5vsknk084sn02q"
    async with stack.container.database.connection() as connection:
        await connection.execute(_PARK, parked_id, owner.id)
    return {
        **await billing_ids(stack, owner),
        "onboarding_id": owner.onboarding_id,
        "correlation_id": owner.onboarding_id,
        "tenant_id": owner.id,
        "platform_subscription_id": await first("/v1/billing/platform-subscriptions"),
        "api_key_id": key.json()["data"]["id"],
        "record_id": (await owner.get("/v1/security/audit-records"))["items"][-1]["id"],
        "verification_id": verification.json()["data"]["id"],
        "policy_id": policy.json()["data"]["id"],
        "user_id": person.id,
        "session_id": person.session_id,
        "certificate_id": certificate.json()["data"]["id"],
        "provider_id": provider.json()["data"]["id"],
        "erasure_id": "ers_01h455vb4pex5vsknk084sn02q",
        "threat_id": await threatened(stack, owner),
        "breach_id": breach.json()["data"]["id"],
        "collection_id": await collection_of(owner),
        "subject_request_id": subject.json()["data"]["id"],
        "legal_hold_id": hold.json()["data"]["id"],
        "risk_id": risk.json()["data"]["id"],
        "ban_id": ban.json()["data"]["id"],
        "rule_id": rule.json()["data"][0]["id"],
        "exchange_key_id": exchange.json()["data"]["id"],
        "reencryption_id": rotated.json()["data"]["reencryptionId"],
        "elevation_id": elevation.json()["data"]["id"],
        "passkey_id": "pky_01h455vb4pex5vsknk084sn02q",
        "application_id": program.id,
        "service_account_id": await first("/v1/security/service-accounts"),
        "grant_id": await first("/v1/security/authorizations"),
        "signing_key_id": keys.json()["data"][0]["id"],
        "invitation_id": invitation.json()["data"]["id"],
        "dashboard_id": await first("/v1/analytics/dashboards"),
        "notification_id": await first("/v1/notifications/deliveries"),
        "event_id": await first("/v1/bus/events"),
        "rebuild_id": rebuild.json()["data"]["id"],
        "name": "analytics.event_counts",
        "parked_id": parked_id,
        "revision": "never",
    }


class TestRouteByItsId:
    def test_is_in_this_list(self) -> None:
        routes = directory_of(*ROUTERS).routes
        named = {f"{method} {route.path}" for route in routes for method in route.methods or () if "{" in route.path}

        assert {str(route) for route in BY_ID} | NOBODYS == named

    @pytest.mark.parametrize("route", BY_ID, ids=str)
    async def test_is_closed_to_strangers_and_neighbours_and_open_to_its_owner(
        self, stack: Stack, owner: Tenant, neighbour: Tenant, ids: dict[str, str], route: Route
    ) -> None:
        path = re.sub(r"{(\w+)}", lambda found: ids[found[1]], route.path) + f"?{route.query}"

        async def call(credentials: dict[str, str]) -> int:
            headers = {**route.headers, **credentials}
            answer = await stack.http.request(route.method, path, json=route.body, headers=headers)
            return answer.status_code

        right = stack.operator if route.by_operator else owner.headers
        assert await call({}) == 401
        assert await call(neighbour.headers) == route.wrong
        assert await call(right) == route.right

    async def test_of_another_tenant_looks_like_one_that_does_not_exist(
        self, owner: Tenant, neighbour: Tenant, ids: dict[str, str]
    ) -> None:
        path = "/v1/analytics/dashboards"
        theirs = await owner.http.get(f"{path}/{ids['dashboard_id']}", headers=neighbour.headers)
        nobodys = await owner.http.get(f"{path}/dsh_01h455vb4pex5vsknk084sn02q", headers=neighbour.headers)

        assert theirs.json()["error"] == nobodys.json()["error"]

    async def test_redelivers_what_was_parked(self, stack: Stack, owner: Tenant, ids: dict[str, str]) -> None:
        path = f"/v1/bus/parked/{ids['parked_id']}"
        await stack.http.post(f"{path}/redeliver", headers=owner.headers)

        async def gone() -> bool:
            return (await owner.http.get(path, headers=owner.headers)).status_code == 404

        await until(gone, what="the redelivery")


class TestList:
    @pytest.mark.parametrize(
        "path",
        sorted(
            route.path
            for route in directory_of(*ROUTERS).routes
            # What belongs to a thing is among the routes by its id.
            if "{" not in route.path
            and "GET" in (route.methods or ())
            and "cursor" in {query.alias for query in route.dependant.query_params}
        ),
    )
    async def test_shows_a_tenant_its_own_only(self, owner: Tenant, neighbour: Tenant, path: str) -> None:
        if path in {"/v1/security/tenants", "/v1/security/erasures", "/v1/security/dependency-scans"}:
            assert (await owner.http.get(path, headers=owner.headers)).status_code == 403
            return
        ours, theirs = await owner.get(path, limit=200), await neighbour.get(path, limit=200)

        assert not [item for item in ours["items"] if item in theirs["items"]]
        assert neighbour.id not in str(ours)
