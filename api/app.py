"""The application: every router, the edge around them, and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from adapters.container import Container
from api import health, well_known
from api.account import account_page
from api.analytics import dashboards, event_counts
from api.authentication import Authentication
from api.automation import onboardings
from api.billing import (
    coupon_redemptions,
    coupons,
    credit_grants,
    credit_notes,
    customers,
    dunning_cases,
    dunning_policy,
    entitlement_checks,
    invoices,
    items,
    ledger,
    legal_entities,
    meters,
    payment_accounts,
    payment_methods,
    payments,
    plans,
    platform_plans,
    platform_subscriptions,
    price_quotes,
    products,
    refunds,
    revenue_reports,
    subscriptions,
    test_clocks,
    usage_events,
    webhook_deliveries,
    webhook_endpoints,
    webhooks,
)
from api.bus import catalogue, codec, events, parked, traces
from api.bus import subscriptions as bus_subscriptions
from api.callers import AccessTokens
from api.client_certificates import ClientCertificates
from api.directory import Directory
from api.edge import Edge
from api.envelope import API_VERSION
from api.notifications import deliveries
from api.openapi import ServedDocument
from api.operator_session import CODEC_PATH, OperatorSessions
from api.problems import install
from api.security import (
    api_keys,
    applications,
    audit_checkpoints,
    audit_records,
    audit_verifications,
    authorizations,
    authorize,
    breaches,
    break_glass_members,
    check,
    client_certificates,
    compliance_report,
    controls,
    data_keys,
    dependency_scans,
    detection_rules,
    detection_trials,
    devices,
    elevations,
    erasures,
    evidence,
    evidence_collections,
    exchange_keys,
    exchange_messages,
    fields,
    identity_providers,
    invitation_links,
    invitations,
    legal_holds,
    me,
    members,
    network_bans,
    oauth2,
    operator_sessions,
    passkey_sign_ins,
    passkeys,
    password_resets,
    permissions,
    policies,
    policy_trials,
    provider_sign_ins,
    reencryptions,
    retention_rules,
    risks,
    sbom,
    second_factor,
    service_accounts,
    sessions,
    signing_keys,
    subject_requests,
    tenant_migrations,
    tenants,
    threat_response,
    threat_scans,
    threats,
)

ROUTERS: tuple[APIRouter, ...] = (
    onboardings.router,
    customers.router,
    dunning_cases.router,
    dunning_policy.router,
    invoices.router,
    ledger.router,
    legal_entities.router,
    meters.router,
    payment_accounts.router,
    payment_methods.router,
    payments.router,
    webhooks.router,
    plans.router,
    platform_plans.router,
    products.router,
    items.router,
    coupons.router,
    credit_grants.router,
    credit_notes.router,
    entitlement_checks.router,
    webhook_endpoints.router,
    webhook_deliveries.router,
    refunds.router,
    revenue_reports.router,
    coupon_redemptions.router,
    price_quotes.router,
    subscriptions.router,
    test_clocks.router,
    usage_events.router,
    platform_subscriptions.router,
    tenants.router,
    me.router,
    sessions.router,
    second_factor.router,
    passkeys.router,
    passkey_sign_ins.router,
    identity_providers.router,
    provider_sign_ins.router,
    members.router,
    invitations.router,
    elevations.router,
    erasures.router,
    exchange_keys.router,
    exchange_messages.router,
    fields.router,
    breaches.router,
    risks.router,
    subject_requests.router,
    legal_holds.router,
    retention_rules.router,
    controls.router,
    evidence.router,
    evidence_collections.router,
    compliance_report.router,
    dependency_scans.router,
    sbom.router,
    detection_rules.router,
    network_bans.router,
    threat_response.router,
    threat_scans.router,
    detection_trials.router,
    threats.router,
    reencryptions.router,
    break_glass_members.router,
    invitation_links.router,
    password_resets.router,
    api_keys.router,
    service_accounts.router,
    client_certificates.router,
    applications.router,
    authorizations.router,
    oauth2.router,
    authorize.router,
    devices.router,
    signing_keys.router,
    well_known.router,
    data_keys.router,
    policies.router,
    policy_trials.router,
    permissions.router,
    check.router,
    audit_records.router,
    audit_checkpoints.router,
    audit_verifications.router,
    tenant_migrations.router,
    operator_sessions.router,
    dashboards.router,
    event_counts.router,
    deliveries.router,
    events.router,
    bus_subscriptions.router,
    parked.router,
    traces.router,
    catalogue.router,
    codec.router,
    health.router,
)


def create_app(container: Container, *, extra: Sequence[APIRouter] = ()) -> Any:
    """The ASGI application around a container; `extra` routers are for tests of the machinery."""
    app = FastAPI(
        title="HarborGrid",
        version=API_VERSION,
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        # A redirect would be an answer without an envelope.
        redirect_slashes=False,
        # The edge counts, times and traces; FastAPI would do it all again.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.container = container
    app.state.operator_sessions = OperatorSessions(container.root_secret)
    directory = directory_of(*ROUTERS, *extra)
    app.router.routes.insert(0, directory)
    app.add_route("/account", account_page)
    install(app, directory)
    # Before FastAPI's own route, which would make everybody wait while the document is made.
    served = ServedDocument(directory, container.settings)
    app.router.routes.insert(1, Route("/openapi.json", served.get, include_in_schema=False))
    edge = Edge(
        app,
        authentication=Authentication(
            container.database,
            app.state.operator_sessions,
            container.revocations,
            AccessTokens(container.database, container.signing_keys, container.settings.issuer),
            ClientCertificates(container.database, container.settings, container.revocations),
            idle=timedelta(minutes=container.settings.session_idle_minutes),
        ),
        answered=container.answered,
        max_body_bytes=container.settings.api_max_body_bytes,
    )
    return _CodecDoor(edge, container.settings.temporal_ui_url)


def directory_of(*routers: APIRouter) -> Directory:
    """Every route of these routers."""
    return Directory(route for router in routers for route in router.routes if isinstance(route, APIRoute))


class _CodecDoor:
    """Lets the Temporal UI, which lives on another origin, call the codec with the operator's cookie."""

    def __init__(self, app: Any, origin: str) -> None:
        self._app = app
        local = origin.replace("127.0.0.1", "localhost")
        self._open = CORSMiddleware(
            app,
            allow_origins=[origin.rstrip("/"), local.rstrip("/")],
            allow_methods=["POST"],
            allow_headers=["*"],
            allow_credentials=True,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_codec = scope["type"] == "http" and scope["path"].startswith(CODEC_PATH)
        await (self._open if is_codec else self._app)(scope, receive, send)
