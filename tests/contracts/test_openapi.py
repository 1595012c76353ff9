"""The API keeps to its own OpenAPI document, whatever it is sent and whoever sends it."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeAlias

import pytest
import requests
import schemathesis
from conftest import Stack, Tenant, running_stack
from described import DOCUMENT
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, settings
from routing import permissions_of
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.temporal.embedded import EmbeddedTemporal
from api.app import ROUTERS, directory_of
from api.principals import OPEN
from domain.kernel.permissions import Scope

# The platform on the other thread draws jitter while Hypothesis looks for strategies that draw.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

AnyCase: TypeAlias = schemathesis.Case[Any]
# Beside those that try each boundary and each way to break it.
bounded = settings(
    max_examples=1, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
RULES: dict[str, Any] = {
    # Query parameters nobody declared are ignored: proxies and tools add their own.
    "generation": {"deterministic": True, "max-examples": 1, "allow-extra-parameters": False},
    # One method that is not there says what the others do: no route of ours answers by itself.
    "phases": {"coverage": {"unexpected-methods": ["QUERY"]}},
    "checks": {
        # That each route asks for credentials is a test of its own, without two more requests for each of these.
        "ignored_auth": {"enabled": False},
        # 412 and 428 are refusals too: what If-Match says is looked at before anything is done.
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "412", "413", "415", "422", "428"]
        },
        "missing_required_header": {"expected-statuses": ["401", "403", "422", "428"]},
        # The document cannot say which cursors, plans, time zones and ETags there are.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "304", "400", "401", "403", "404", "409", "412", "422", "429"]
        },
    },
}
CONFIG = SchemathesisConfig.from_dict(RULES)


def without_repetitions(document: dict[str, Any]) -> dict[str, Any]:
    """Optional parameters only where they come first: one declaration reads them wherever they are."""
    left, known = copy.deepcopy(document), set[str]()
    for operation in (operation for item in left["paths"].values() for operation in item.values()):
        kept = []
        for parameter in operation.get("parameters", ()):
            told = json.dumps({name: parameter[name] for name in ("name", "in", "required", "schema")}, sort_keys=True)
            if parameter["required"] or told not in known:
                kept.append(parameter)
            known.add(told)
        operation["parameters"] = kept
    return left


schema = schemathesis.openapi.from_dict(without_repetitions(DOCUMENT), config=CONFIG)
# Without every way to break every parameter, which somebody else is asked for already.
briefly = schemathesis.openapi.from_dict(
    DOCUMENT, config=SchemathesisConfig.from_dict({**RULES, "phases": {"coverage": {"enabled": False}}})
)
# Documents that tools read, and the media type that scrapers read, are not in the envelope.
BARE = {
    "/metrics",
    "/v1/bus/codec/decode",
    "/v1/bus/catalogue/asyncapi.json",
    "/v1/bus/catalogue/{type}/schema.json",
    "/v1/security/audit-records/export",
    "/v1/security/sbom",
    "/v1/security/subject-requests/{subject_request_id}/document",
    "/v1/security/subject-requests/{subject_request_id}/certificate",
    "/v1/billing/invoices/{invoice_id}/document",
    "/v1/security/controls/oscal",
    "/v1/security/compliance-report/oscal",
    "/v1/security/compliance-report/page",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/v1/security/devices",
}
# What OAuth's RFCs and browsers read, also when it is a refusal.
OF_THE_RFCS = "/v1/security/oauth2/"
PAGES = {"/v1/security/authorize"}
ROUTES = [
    route
    for route in directory_of(*ROUTERS).routes
    if route.path.startswith("/v1/") and f"{min(route.methods or ())} {route.path}" not in OPEN
]
OPERATORS = {
    f"{min(route.methods or ())} {route.path}"
    for route in directory_of(*ROUTERS).routes
    if any(permission.scope is Scope.OPERATOR for permission in permissions_of(route))
}


def parts_of(schema: Any) -> set[str]:
    """The components that a schema is made of, however deep."""
    found, left = set[str](), [schema]
    while left:
        for name in set(re.findall(r"#/components/schemas/([\w.-]+)", json.dumps(left.pop()))) - found:
            found.add(name)
            left.append(DOCUMENT["components"]["schemas"][name])
    return found


DEEP = {
    f"{method.upper()} {path}"
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if any(name.startswith("Graduated") for name in parts_of(operation.get("requestBody", {})))
}
VALID_HEADERS = {"Idempotency-Key": "a-stranger", "If-Match": '"1"'}
EXAMPLES = {
    "onboarding_id": "onb_01h455vb4pex5vsknk084sn02q",
    "platform_subscription_id": "sub_01h455vb4pex5vsknk084sn02q",
    "subscription_id": "sub_01h455vb4pex5vsknk084sn02q",
    "customer_id": "cus_01h455vb4pex5vsknk084sn02q",
    "payment_method_id": "pmt_01h455vb4pex5vsknk084sn02q",
    "case_id": "inv_01h455vb4pex5vsknk084sn02q",
    "product_code": "harbour-map",
    "coupon_code": "welcome",
    "credit_grant_id": "crg_01h455vb4pex5vsknk084sn02q",
    "credit_note_id": "crn_01h455vb4pex5vsknk084sn02q",
    "refund_id": "rfd_01h455vb4pex5vsknk084sn02q",
    "endpoint_id": "whe_01h455vb4pex5vsknk084sn02q",
    "delivery_id": "whd_01h455vb4pex5vsknk084sn02q",
    "revenue_report_id": "rvr_01h455vb4pex5vsknk084sn02q",
    "chart": "mrr",
    "redemption_id": "rdm_01h455vb4pex5vsknk084sn02q",
    "item_code": "training",
    "clock_id": "clk_01h455vb4pex5vsknk084sn02q",
    "payment_id": "pay_01h455vb4pex5vsknk084sn02q",
    "provider": "stripe",
    "invoice_id": "inv_01h455vb4pex5vsknk084sn02q",
    "legal_entity": "de",
    "plan_code": "pro",
    "meter_code": "traffic",
    "tenant_id": "ten_01h455vb4pex5vsknk084sn02q",
    "api_key_id": "key_01h455vb4pex5vsknk084sn02q",
    "dashboard_id": "dsh_01h455vb4pex5vsknk084sn02q",
    "notification_id": "ntf_01h455vb4pex5vsknk084sn02q",
    "event_id": "evt_01h455vb4pex5vsknk084sn02q",
    "parked_id": "prk_01h455vb4pex5vsknk084sn02q",
    "rebuild_id": "rbd_01h455vb4pex5vsknk084sn02q",
    "record_id": "aud_01h455vb4pex5vsknk084sn02q",
    "verification_id": "avf_01h455vb4pex5vsknk084sn02q",
    "policy_id": "pol_01h455vb4pex5vsknk084sn02q",
    "user_id": "usr_01h455vb4pex5vsknk084sn02q",
    "session_id": "ses_01h455vb4pex5vsknk084sn02q",
    "invitation_id": "ivt_01h455vb4pex5vsknk084sn02q",
    "service_account_id": "sva_01h455vb4pex5vsknk084sn02q",
    "application_id": "app_01h455vb4pex5vsknk084sn02q",
    "grant_id": "grt_01h455vb4pex5vsknk084sn02q",
    "certificate_id": "crt_01h455vb4pex5vsknk084sn02q",
    "provider_id": "idp_01h455vb4pex5vsknk084sn02q",
    "erasure_id": "ers_01h455vb4pex5vsknk084sn02q",
    "breach_id": "brc_01h455vb4pex5vsknk084sn02q",
    "control_id": "ac-6",
    "collection_id": "evc_01h455vb4pex5vsknk084sn02q",
    "subject_request_id": "dsr_01h455vb4pex5vsknk084sn02q",
    "legal_hold_id": "hld_01h455vb4pex5vsknk084sn02q",
    "category": "deliveries",
    "risk_id": "rsk_01h455vb4pex5vsknk084sn02q",
    "threat_id": "thr_01h455vb4pex5vsknk084sn02q",
    "ban_id": "ban_01h455vb4pex5vsknk084sn02q",
    "rule_id": "7f0b3c6e-2a61-4b64-9d2a-00000000aaaa",
    "exchange_key_id": "exk_01h455vb4pex5vsknk084sn02q",
    "reencryption_id": "ren_01h455vb4pex5vsknk084sn02q",
    "elevation_id": "elv_01h455vb4pex5vsknk084sn02q",
    "passkey_id": "pky_01h455vb4pex5vsknk084sn02q",
    "signing_key_id": "sig_01h455vb4pex5vsknk084sn02q",
    "correlation_id": "a-story",
    "revision": "0001",
    "name": "analytics.event_counts",
    "type": "billing.invoice.paid",
}


@dataclass(frozen=True)
class Platform:
    """A platform on a thread of its own: Schemathesis blocks while it waits, and revokes keys it finds."""

    url: str
    callers: dict[str, dict[str, str]]
    session: requests.Session


def connections() -> requests.Session:
    """Kept from one case to the next: to connect anew is half of what a case takes. It knows nothing else."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def method_of(route: APIRoute) -> str:
    """Its method; each of our routes has one."""
    [method] = sorted(route.methods or ())
    return method


@contextmanager
def on_its_own_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def platform(
    postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """With one onboarded tenant."""
    running = running_stack(postgres, temporal, tmp_path_factory.mktemp("openapi"))

    async def start() -> tuple[Stack, Tenant]:
        stack = await running.__aenter__()
        return stack, await stack.tenant()

    async def stop() -> None:
        await running.__aexit__(None, None, None)

    with on_its_own_thread() as loop, connections() as session:
        stack, tenant = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
        yield Platform(stack.url, {"stranger": {}, "tenant": tenant.headers, "operator": stack.operator}, session)
        asyncio.run_coroutine_threadsafe(stop(), loop).result(30)


@schemathesis.check
def answers_in_the_envelope(_: CheckContext, response: Response, case: AnyCase) -> None:
    """Errors always, and results unless the operation says otherwise."""
    if response.status_code == 304 or (response.status_code < 400 and case.operation.path in BARE):
        return
    if case.operation.path in PAGES and response.headers["content-type"][0].startswith("text/html"):
        return
    envelope = response.json()
    if case.operation.path.startswith(OF_THE_RFCS) and "success" not in envelope:
        assert response.status_code < 400 or isinstance(envelope["error"], str)
        return
    assert set(envelope) == {"success", "data", "error", "metadata"}
    assert envelope["success"] is (response.status_code < 400)
    assert envelope["metadata"]["requestId"] == response.headers["x-request-id"][0]


def is_open(context: Any) -> bool:
    """Strangers may call it."""
    return f"{context.operation.method.upper()} {context.operation.path}" in OPEN


def is_the_operators(context: Any) -> bool:
    """Tenants may never call it."""
    return f"{context.operation.method.upper()} {context.operation.path}" in OPERATORS


def is_deep(context: Any) -> bool:
    """Its body holds charge models: ways to break one are counted in thousands, and tests of their own try some."""
    return f"{context.operation.method.upper()} {context.operation.path}" in DEEP


def keeps_it(case: AnyCase, caller: str, platform: Platform) -> None:
    case.call_and_validate(base_url=platform.url, headers=platform.callers[caller], session=platform.session)


class TestEveryOperation:
    # Callers are parameters of pytest, not tests of their own: without one, pytest gives every operation the same id.
    @pytest.mark.parametrize("caller", ["tenant"])
    @schema.exclude(is_the_operators).exclude(is_deep).parametrize()
    @bounded
    def test_keeps_its_contract_with_tenants(self, case: AnyCase, caller: str, platform: Platform) -> None:
        keeps_it(case, caller, platform)

    @pytest.mark.parametrize("caller", ["tenant"])
    @briefly.include(is_deep).parametrize()
    @settings(bounded, max_examples=10)
    def test_keeps_its_contract_whatever_the_price(self, case: AnyCase, caller: str, platform: Platform) -> None:
        keeps_it(case, caller, platform)

    @pytest.mark.parametrize("caller", ["operator"])
    @schema.include(is_the_operators).parametrize()
    @bounded
    def test_keeps_its_contract_with_the_operator(self, case: AnyCase, caller: str, platform: Platform) -> None:
        keeps_it(case, caller, platform)

    @pytest.mark.parametrize("caller", ["operator"])
    @briefly.exclude(is_the_operators).parametrize()
    @bounded
    def test_keeps_its_contract_where_the_operator_may_see_tenants(
        self, case: AnyCase, caller: str, platform: Platform
    ) -> None:
        keeps_it(case, caller, platform)

    # All they get elsewhere is one 401: see TestEveryRoute.
    @pytest.mark.parametrize("caller", ["stranger"])
    @schema.include(is_open).parametrize()
    @bounded
    def test_keeps_its_contract_with_strangers(self, case: AnyCase, caller: str, platform: Platform) -> None:
        keeps_it(case, caller, platform)


class TestEveryRoute:
    @pytest.mark.parametrize("route", ROUTES, ids=[f"{method_of(route)} {route.path}" for route in ROUTES])
    def test_turns_strangers_away(self, route: APIRoute, platform: Platform) -> None:
        path = re.sub(r"{(\w+)}", lambda found: EXAMPLES[found[1]], route.path)
        body = DOCUMENT["paths"][route.path][method_of(route).lower()].get("requestBody")
        example = body["content"]["application/json"]["example"] if body else None

        answer = platform.session.request(method_of(route), platform.url + path, json=example, headers=VALID_HEADERS)

        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "kernel.unauthenticated"
        assert answer.headers["WWW-Authenticate"] == 'ApiKey realm="harborgrid", Bearer realm="harborgrid"'
