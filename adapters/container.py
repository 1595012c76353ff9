"""Wires the world together: the one place that knows every concrete adapter."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client
from temporalio.runtime import Runtime

from activities.analytics import AnalyticsActivities
from activities.automation import AutomationActivities
from activities.billing import BillingActivities, BillingPorts
from activities.bus import BusActivities
from activities.notifications import NotificationsActivities
from activities.security import SecurityActivities, SecurityPorts
from adapters.analytics.catalogues import CATALOGUES
from adapters.analytics.event_counts import EventCounts
from adapters.analytics.event_lake import EventLake
from adapters.analytics.personal_data import AnalyticsPersonalData
from adapters.analytics.postgres import PostgresAnalyticsUnitOfWork
from adapters.automation.personal_data import AutomationPersonalData
from adapters.automation.postgres import OnboardingDesk, PostgresAutomationUnitOfWork
from adapters.billing.entitlements import entitlements_of
from adapters.billing.paypal_provider import PayPalProvider
from adapters.billing.personal_data import BillingPersonalData
from adapters.billing.platform import KnownPlans, PostgresPlatformBillingUnitOfWork
from adapters.billing.postgres import PostgresBillingUnitOfWork
from adapters.billing.providers import PaymentProviders, PostgresPaymentAccountsUnitOfWork
from adapters.billing.request_usage import RequestUsage
from adapters.billing.revenue import PolarsRevenue
from adapters.billing.stripe_provider import StripeProvider
from adapters.billing.time_machine import TimeMachine
from adapters.billing.usage_thresholds import UsageThresholds
from adapters.billing.webhook_queue import WebhookQueue
from adapters.billing.webhook_sender import HttpWebhookSender, WebhookSecrets
from adapters.bus.personal_data import PERSONAL, BusPersonalData
from adapters.bus.reactions import ReactionHandler
from adapters.bus.rebuild import PostgresRebuilder
from adapters.bus.store import PostgresEventReader
from adapters.bus.subscriptions import PostgresSubscriptions
from adapters.bus.transport import PostgresTransport
from adapters.gateway.answered import AnsweredRequests
from adapters.kernel.clock import new_id, utc_now
from adapters.kernel.outside import Outside
from adapters.notifications.personal_data import NotificationsPersonalData
from adapters.notifications.postgres import PostgresNotificationsUnitOfWork
from adapters.notifications.smtp import SmtpSender
from adapters.postgres.database import Database, connect
from adapters.postgres.personal_data import HoldsNothing, HoldsPersonalData
from adapters.postgres.session import Session
from adapters.postgres.spares import SpareSchemas
from adapters.postgres.units_of_work import OwnerInTenant, UnitsOfWork
from adapters.postgres.wakeups import Wakeups
from adapters.security.access import AccessRules
from adapters.security.advisories import advisory_source
from adapters.security.audit import AuditReader
from adapters.security.controls_seen import Installation
from adapters.security.dependencies import InstalledDependencies
from adapters.security.detection import PostgresThreatDetector
from adapters.security.evidence_rounds import PostgresEvidenceCollector
from adapters.security.federation import OpenIdFederation
from adapters.security.keyring import PostgresKeyRing
from adapters.security.master_keys import MasterKeys, master_keys, root_secret
from adapters.security.migrations import PostgresTenantMigrations
from adapters.security.passwords import Passwords
from adapters.security.personal_data import SecurityPersonalData
from adapters.security.postgres import PostgresSecurityUnitOfWork
from adapters.security.reencryption import PostgresReencryptor
from adapters.security.retention import PostgresRetention
from adapters.security.revocations import Revocations
from adapters.security.sealing import AuditSealer
from adapters.security.signing_keys import SigningKeyRing
from adapters.security.spaces import SPACES
from adapters.security.subject_steps import PostgresSubjectSteps
from adapters.security.verification import AuditVerifier
from adapters.settings import EventTransportKind, Settings
from adapters.temporal.plugin import connect as connect_temporal
from adapters.temporal.starter import FairShares, WorkflowStarter
from domain.billing.events import Provider
from domain.bus.ports import EventTransport
from domain.catalogue import CATALOGUE
from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.permissions import PERMISSIONS
from domain.security.cedar import Vocabulary
from domain.security.checkpoint import CheckpointSigner
from domain.security.data_keys import PLATFORM
from domain.security.fields import Fields
from domain.security.links import Links
from domain.security.passkeys import RelyingParty
from domain.security.second_factors import FactorKeys


@dataclass(frozen=True, slots=True)
class Secrets:
    """Master keys, what they wrap, and the secret that the platform's own keys are derived from."""

    masters: MasterKeys
    keys: PostgresKeyRing
    root: bytes


class Container:
    """Everything a process of the platform needs, built from its settings."""

    def __init__(
        self, settings: Settings, database: Database, owner: Database | None, temporal: Client, secrets: Secrets
    ) -> None:
        self.settings, self.database, self.owner, self.temporal = settings, database, owner, temporal
        self.masters, self.keys, self.root_secret = secrets.masters, secrets.keys, secrets.root
        self.starter = WorkflowStarter(temporal, settings.task_queue, FairShares(database))
        self.events = PostgresEventReader(database)
        self.lake = EventLake(settings.postgres_dsn.get_secret_value())
        self.projections = (EventCounts(),)
        self.subscriptions = PostgresSubscriptions(
            database,
            [
                *self.projections,
                self.lake,
                UsageThresholds(utc_now),
                RequestUsage(utc_now),
                WebhookQueue(utc_now),
                ReactionHandler(self.starter),
            ],
            CATALOGUE,
        )
        self.revocations = Revocations()
        self.answered = AnsweredRequests(settings.answered_path, database, self.revocations)
        self.access = AccessRules(database, self.revocations, Vocabulary(PERMISSIONS.values()), entitlements_of)
        self.signer = CheckpointSigner(self.root_secret)
        self.passwords = Passwords()
        self.relying_party = RelyingParty.at(settings.account_page)
        self.links = Links(self.root_secret)
        self.recovery_code_key = hmac.digest(self.root_secret, b"recovery-codes", "sha256")
        self.accounts_key = hmac.digest(self.root_secret, b"account-names", "sha256")
        self.audit_trail = AuditReader(database)
        self.desk = OnboardingDesk(database)
        self.plans = KnownPlans(database)
        self.security = UnitsOfWork(database, PostgresSecurityUnitOfWork, as_tenant=False)
        self.signing_keys = SigningKeyRing(database, self.security, self.keys, self.revocations)
        self.detector = PostgresThreatDetector(database)
        self.reencryptor = PostgresReencryptor(database, self.keys, self.masters)
        self.holders: tuple[HoldsPersonalData, ...] = (
            NotificationsPersonalData(),
            AutomationPersonalData(),
            BusPersonalData(),
            AnalyticsPersonalData(self.lake, PERSONAL),
            BillingPersonalData(),
            *(HoldsNothing(each, {}) for each in ("gateway", "collaboration", "cad", "spatial", "compression")),
            SecurityPersonalData(),
        )
        self.subject_steps = PostgresSubjectSteps(database, self.keys, self.signer, self.holders)
        self.subjects_key = hmac.digest(self.root_secret, b"data-subjects", "sha256")
        self.outside = Outside(private=settings.outside_private)
        self.webhook_secrets = WebhookSecrets(self.root_secret)
        self.webhook_sender = HttpWebhookSender(
            self.outside, self.events, self.webhook_secrets, private=settings.outside_private
        )
        self.federation = OpenIdFederation(self.outside, self.keys, utc_now)
        self.payment_accounts = UnitsOfWork(database, PostgresPaymentAccountsUnitOfWork, as_tenant=False)
        stripe = StripeProvider(settings.stripe_api_url, settings.api_public_url)
        paypal = PayPalProvider(settings.paypal_api_url, settings.api_public_url)
        self.payment_providers = PaymentProviders(
            self.payment_accounts, self.keys.cipher, {Provider.STRIPE: stripe, Provider.PAYPAL: paypal}
        )
        self.automation = UnitsOfWork(database, PostgresAutomationUnitOfWork, as_tenant=False)
        self.platform_billing = UnitsOfWork(database, PostgresPlatformBillingUnitOfWork, as_tenant=False)
        self.billing = UnitsOfWork(database, PostgresBillingUnitOfWork, as_tenant=True)
        self.analytics = UnitsOfWork(database, self._analytics, as_tenant=True)
        self.notifications = UnitsOfWork(database, PostgresNotificationsUnitOfWork, as_tenant=True)

    def _analytics(self, session: Session) -> PostgresAnalyticsUnitOfWork:
        return PostgresAnalyticsUnitOfWork(session, self.settings.lake_path.resolve())

    async def audit(
        self, tenant: TenantId | None, action: str, resource: str, details: dict[str, Any] | None = None
    ) -> None:
        """Record an action that changes nothing in the database itself."""

        async def work(session: Session) -> None:
            session.record(AuditEntry(tenant_id=tenant, action=action, resource=resource, details=details or {}))

        await self.database.run(None, work)

    async def fields(self, tenant: TenantId) -> Fields:
        """What encrypts a tenant's single fields, as of now. Ask before the transaction, as for `factor_keys`."""
        return Fields(tenant, await self.keys.cipher(tenant), self.root_secret)

    async def factor_keys(self) -> FactorKeys:
        """What second factors are kept with, as of now. Ask before the transaction: it may have to look them up."""
        return FactorKeys(await self.keys.cipher(PLATFORM), self.recovery_code_key)

    @property
    def installation(self) -> Installation:
        """What collectors of evidence know of the platform itself."""
        return Installation(
            self.settings.api_public_url,
            self.settings.smtp_starttls,
            self.masters.master_key_id,
            self.signer.verifier,
        )

    def spare_schemas(self) -> SpareSchemas:
        """Schemas prepared for the next tenants. For a container that is not `lazy`."""
        return SpareSchemas(self._owner(), (SPACES, CATALOGUES), self.settings.spare_schemas)

    def _owner(self) -> Database:
        assert self.owner is not None, "whoever makes tenants is the database's owner"
        return self.owner

    def activities(self) -> list[Callable[..., Any]]:
        """Every activity, with its ports. For a container that is not `lazy`."""
        owner = self._owner()
        provisioning = UnitsOfWork(owner, PostgresSecurityUnitOfWork, as_tenant=False)
        lakes = OwnerInTenant(owner, self._analytics)
        ports = SecurityPorts(
            provisioning,
            PostgresTenantMigrations(owner),
            self.keys,
            AuditSealer(self.database, self.signer),
            AuditVerifier(self.database, self.signer.verifier),
            self.signing_keys,
            self.reencryptor,
            self.detector,
            InstalledDependencies(
                self.security, advisory_source(self.settings.advisories, self.settings.advisories_path)
            ),
            PostgresEvidenceCollector(self.database, self.installation),
            self.subject_steps,
            PostgresRetention(self.database),
            new_id,
        )
        security = SecurityActivities(ports, utc_now)
        billing_ports = BillingPorts(
            self.platform_billing,
            self.billing,
            self.payment_providers,
            TimeMachine(self.billing, self.temporal, utc_now),
            self.webhook_sender,
            PolarsRevenue(self.billing),
        )
        billing = BillingActivities(billing_ports, utc_now, new_id)
        analytics = AnalyticsActivities(lakes, utc_now)
        notifications = NotificationsActivities(self.notifications, SmtpSender(self.settings), utc_now, self._link_to)
        automation = AutomationActivities(self.automation, utc_now)
        bus = BusActivities(self.subscriptions, PostgresRebuilder(self.database, self.projections, CATALOGUE))
        return [
            billing.create_subscription,
            billing.cancel_subscription,
            billing.advance_subscription,
            billing.settle_invoice,
            billing.drive_payment,
            billing.drive_refund,
            billing.deliver_webhooks,
            billing.reckon_revenue,
            billing.settle_dunning,
            billing.settle_credit_grant,
            billing.advance_clock,
            billing.steer_dunning,
            security.provision_tenant,
            security.deprovision_tenant,
            security.list_tenants,
            security.migrate_tenant,
            analytics.initialize_dashboard,
            analytics.delete_dashboard,
            notifications.send_welcome_email,
            notifications.send_link_email,
            security.invitation_addressee,
            security.expire_invitation,
            security.password_reset_addressee,
            automation.finish_onboarding,
            security.seal_audit,
            security.verify_audit,
            security.rotate_signing_keys,
            security.settle_elevation,
            security.settle_erasure,
            security.settle_breach,
            security.scan_dependencies,
            security.settle_subject_request,
            security.step_subject_request,
            security.complete_subject_request,
            security.apply_retention,
            security.begin_collection,
            security.step_collection,
            security.complete_collection,
            security.settle_risk,
            security.risk_audience,
            security.breach_audience,
            security.detect_threats,
            security.settle_threat,
            security.threat_audience,
            security.step_reencryption,
            security.complete_reencryption,
            security.elevation_audience,
            notifications.send_notice,
            bus.deliver,
            bus.rebuild_projection,
        ]

    def _link_to(self, about: str) -> str:
        return f"{self.settings.account_page}#{self.links.token(about)}"

    @asynccontextmanager
    async def transport(self) -> AsyncIterator[EventTransport]:
        """The transport that the settings name."""
        if self.settings.event_transport is EventTransportKind.NATS:
            from adapters.bus.nats import nats_transport  # noqa: PLC0415 - only where it is chosen

            async with nats_transport(self.settings.nats_url, self.database) as transport:
                yield transport
        else:
            yield PostgresTransport(self.database)


@asynccontextmanager
async def open_container(
    settings: Settings, *, process: str, runtime: Runtime | None = None, lazy: bool = True, serves: bool = True
) -> AsyncIterator[Container]:
    """A container for the length of the block. Raises DatabaseUnavailable or BadConfiguration at once.

    lazy: only take requests. Temporal is connected to on first use, so that they are kept while it is down, and the
    database is never entered as its owner.
    serves: requests are authenticated here, so it is worth hearing of revoked keys.
    """
    wakeups = Wakeups()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            connect(
                settings.postgres_dsn.get_secret_value(),
                size=settings.postgres_pool_size,
                application=f"harborgrid-{process}",
                notify=wakeups.announce,
            )
        )
        owner = None
        if not lazy:
            owner = await stack.enter_async_context(
                connect(
                    settings.postgres_owner_dsn.get_secret_value(),
                    size=4,
                    application=f"harborgrid-{process}-owner",
                    notify=wakeups.announce,
                )
            )
        await stack.enter_async_context(wakeups.sent_through(database))
        masters = master_keys(settings)
        secrets = Secrets(masters, PostgresKeyRing(database, masters), await root_secret(database, masters))
        temporal = await connect_temporal(settings, secrets.keys, runtime=runtime, lazy=lazy)
        container = Container(settings, database, owner, temporal, secrets)
        if serves:
            await stack.enter_async_context(container.revocations.heard_from(database))
        # By every process: what one that died has noted waits for no other to be started in its place.
        await stack.enter_async_context(container.answered.published())
        stack.callback(container.lake.close)
        stack.push_async_callback(container.outside.close)
        stack.push_async_callback(container.payment_providers.close)
        yield container
