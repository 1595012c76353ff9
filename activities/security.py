"""Security's durable steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from temporalio import activity

from domain.kernel.ports import Clock, Transactions
from domain.security import breaches, data_keys, elevations, erasures, invitations, password_changes, risks, threats
from domain.security.audiences import administrators
from domain.security.audit_log import AuditVerification, SealAudit, Sealed, VerifyAudit
from domain.security.commands import (
    Addressee,
    Audience,
    BreachState,
    DeprovisionTenant,
    DetectThreats,
    ElevationAudience,
    ElevationState,
    ErasureState,
    FollowBreach,
    FollowElevation,
    FollowErasure,
    FollowInvitation,
    FollowReencryption,
    FollowThreat,
    ListTenants,
    MailPasswordReset,
    MigrateTenant,
    ProvisionTenant,
    ReencryptionState,
    RotateSigningKeys,
    SigningKeysRotated,
    TenantMigrated,
    TenantPage,
    TenantReady,
    ThreatsDetected,
    ThreatState,
)
from domain.security.control_commands import BeginCollection, CollectionProgress, FollowCollection
from domain.security.control_ports import EvidenceCollector
from domain.security.ids import NetworkBanId
from domain.security.oauth_ports import SigningKeyRotation
from domain.security.ports import AuditSealer, AuditVerifier, KeyRing, Reencryptor, SecurityUnitOfWork, TenantMigrations
from domain.security.risk_commands import DependenciesScanned, FollowRisk, RiskState, ScanDependencies
from domain.security.risk_ports import DependencyScanner
from domain.security.service import deprovision_tenant, provision_tenant
from domain.security.subject_commands import (
    ApplyRetention,
    FollowSubjectRequest,
    RetentionApplied,
    SubjectRequestState,
    SubjectStep,
)
from domain.security.subject_ports import RetentionSweeper, SubjectSteps
from domain.security.threat_ports import ThreatDetector


@dataclass(frozen=True, slots=True)
class SecurityPorts:
    """What security's steps are done with."""

    transactions: Transactions[SecurityUnitOfWork]
    migrations: TenantMigrations
    keys: KeyRing
    sealer: AuditSealer
    verifier: AuditVerifier
    rotation: SigningKeyRotation
    reencryptor: Reencryptor
    detector: ThreatDetector
    dependencies: DependencyScanner
    evidence: EvidenceCollector
    subjects: SubjectSteps
    retention: RetentionSweeper
    new_id: Callable[[type[NetworkBanId]], NetworkBanId]


class SecurityActivities:
    """Steps that make, change and remove tenants, renew keys, and seal and check the audit trail."""

    def __init__(self, ports: SecurityPorts, now: Clock) -> None:
        self._transactions, self._migrations, self._keys = ports.transactions, ports.migrations, ports.keys
        self._sealer, self._verifier, self._rotation = ports.sealer, ports.verifier, ports.rotation
        self._reencryptor, self._detector, self._now = ports.reencryptor, ports.detector, now
        self._new_id, self._dependencies, self._evidence = ports.new_id, ports.dependencies, ports.evidence
        self._subjects, self._retention = ports.subjects, ports.retention

    @activity.defn(name="security.provision_tenant")
    async def provision_tenant(self, cmd: ProvisionTenant) -> TenantReady:
        """Make schema, role, keys, owner and a first API key."""
        await self._keys.active(cmd.tenant_id)
        tenant = await self._transactions(cmd.tenant_id, lambda uow: provision_tenant(uow, cmd, now=self._now()))
        return TenantReady(tenant_id=tenant.id, schema_revision=tenant.schema_revision or "")

    @activity.defn(name="security.deprovision_tenant")
    async def deprovision_tenant(self, cmd: DeprovisionTenant) -> None:
        """Take it all away again. Data keys stay: the history of what happened must remain readable."""
        await self._transactions(cmd.tenant_id, lambda uow: deprovision_tenant(uow, cmd, now=self._now()))

    @activity.defn(name="security.list_tenants")
    async def list_tenants(self, cmd: ListTenants) -> TenantPage:
        """Active tenants, a page at a time."""
        return await self._migrations.tenants(cmd)

    @activity.defn(name="security.migrate_tenant")
    async def migrate_tenant(self, cmd: MigrateTenant) -> TenantMigrated:
        """Bring one tenant's schema to the newest revision."""
        return await self._migrations.migrate(cmd)

    @activity.defn(name="security.invitation_addressee")
    async def invitation_addressee(self, cmd: FollowInvitation) -> Addressee:
        """To whom an invitation goes."""
        return await self._transactions(cmd.tenant_id, lambda uow: invitations.addressee(uow, cmd, now=self._now()))

    @activity.defn(name="security.expire_invitation")
    async def expire_invitation(self, cmd: FollowInvitation) -> None:
        """Close an invitation whose time is over."""
        await self._transactions(cmd.tenant_id, lambda uow: invitations.expire(uow, cmd.invitation_id, now=self._now()))

    @activity.defn(name="security.password_reset_addressee")
    async def password_reset_addressee(self, cmd: MailPasswordReset) -> Addressee:
        """To whom a link to set a password goes."""
        return await self._transactions(
            cmd.tenant_id, lambda uow: password_changes.addressee(uow, cmd, now=self._now())
        )

    @activity.defn(name="security.seal_audit")
    async def seal_audit(self, _: SealAudit) -> Sealed:
        """Give every record its place in its log, and sign a checkpoint of every log that grew."""
        return await self._sealer.seal(heartbeat=activity.heartbeat)

    @activity.defn(name="security.verify_audit")
    async def verify_audit(self, cmd: VerifyAudit) -> AuditVerification:
        """Check one log from its first record to its last."""
        return await self._verifier.verify(cmd, heartbeat=activity.heartbeat)

    @activity.defn(name="security.rotate_signing_keys")
    async def rotate_signing_keys(self, _: RotateSigningKeys) -> SigningKeysRotated:
        """Let a new key sign tokens wherever one has signed for long enough."""
        return SigningKeysRotated(introduced=tuple(await self._rotation.rotate_due()))

    @activity.defn(name="security.settle_elevation")
    async def settle_elevation(self, cmd: FollowElevation) -> ElevationState:
        """Close an elevation that is over by its time; where it stands."""
        return await self._transactions(cmd.tenant_id, lambda uow: elevations.settle(uow, cmd, now=self._now()))

    @activity.defn(name="security.elevation_audience")
    async def elevation_audience(self, cmd: FollowElevation) -> ElevationAudience:
        """Who can approve, end or review an elevation."""
        return await self._transactions(cmd.tenant_id, lambda uow: elevations.audience(uow, cmd))

    @activity.defn(name="security.settle_erasure")
    async def settle_erasure(self, cmd: FollowErasure) -> ErasureState:
        """Destroy a removed tenant's data keys if it is time; where it stands."""
        return await self._transactions(None, lambda uow: erasures.settle(uow, cmd, now=self._now()))

    @activity.defn(name="security.step_reencryption")
    async def step_reencryption(self, cmd: FollowReencryption) -> ReencryptionState:
        """Bring the next batches under the key; where it stands."""
        return await self._reencryptor.step(cmd, heartbeat=activity.heartbeat)

    @activity.defn(name="security.complete_reencryption")
    async def complete_reencryption(self, cmd: FollowReencryption) -> ReencryptionState:
        """Count what is left; it is done if that is nothing."""
        return await self._transactions(None, lambda uow: data_keys.complete(uow, cmd, now=self._now()))

    @activity.defn(name="security.detect_threats")
    async def detect_threats(self, _: DetectThreats) -> ThreatsDetected:
        """Look at every event and audit record since the last time."""
        return await self._detector.detect(heartbeat=activity.heartbeat)

    @activity.defn(name="security.settle_threat")
    async def settle_threat(self, cmd: FollowThreat) -> ThreatState:
        """Contain a threat that needs nobody's approval, close one that has lapsed; where it stands."""
        ban_id = self._new_id(NetworkBanId)
        return await self._transactions(None, lambda uow: threats.settle(uow, cmd, ban_id=ban_id, now=self._now()))

    @activity.defn(name="security.threat_audience")
    async def threat_audience(self, cmd: FollowThreat) -> Audience:
        """Who is told of a threat in their tenant."""
        return await self._transactions(None, lambda uow: threats.audience(uow, cmd))

    @activity.defn(name="security.settle_breach")
    async def settle_breach(self, cmd: FollowBreach) -> BreachState:
        """Write down that a breach's deadline was missed, if it was; where it stands."""
        return await self._transactions(None, lambda uow: breaches.settle(uow, cmd, now=self._now()))

    @activity.defn(name="security.breach_audience")
    async def breach_audience(self, cmd: FollowBreach) -> Audience:
        """Who is told of a breach in their tenant."""
        return await self._transactions(None, lambda uow: administrators(uow, cmd.tenant_id))

    @activity.defn(name="security.scan_dependencies")
    async def scan_dependencies(self, _: ScanDependencies) -> DependenciesScanned:
        """Look for known vulnerabilities in what is installed here."""
        return await self._dependencies.scan(heartbeat=activity.heartbeat)

    @activity.defn(name="security.settle_risk")
    async def settle_risk(self, cmd: FollowRisk) -> RiskState:
        """Open a risk again whose acceptance has ended, note that one is overdue; where it stands."""
        return await self._transactions(None, lambda uow: risks.settle(uow, cmd, now=self._now()))

    @activity.defn(name="security.risk_audience")
    async def risk_audience(self, cmd: FollowRisk) -> Audience:
        """Who is told of a risk in their tenant."""
        return await self._transactions(None, lambda uow: risks.audience(uow, cmd))

    @activity.defn(name="security.begin_collection")
    async def begin_collection(self, cmd: BeginCollection) -> None:
        """Write down whom to visit."""
        await self._evidence.begin(cmd)

    @activity.defn(name="security.step_collection")
    async def step_collection(self, cmd: FollowCollection) -> CollectionProgress:
        """Look at the next scopes."""
        return await self._evidence.step(cmd, heartbeat=activity.heartbeat)

    @activity.defn(name="security.complete_collection")
    async def complete_collection(self, cmd: FollowCollection) -> CollectionProgress:
        """Count the evidence; it is complete if none is missing."""
        return await self._evidence.complete(cmd)

    @activity.defn(name="security.settle_subject_request")
    async def settle_subject_request(self, cmd: FollowSubjectRequest) -> SubjectRequestState:
        """Let a data subject's request begin if it is time and nothing is in the way; where it stands."""
        return await self._subjects.settle(cmd)

    @activity.defn(name="security.step_subject_request")
    async def step_subject_request(self, cmd: SubjectStep) -> SubjectRequestState:
        """One module's part of it, and its receipt."""
        return await self._subjects.step(cmd)

    @activity.defn(name="security.complete_subject_request")
    async def complete_subject_request(self, cmd: FollowSubjectRequest) -> SubjectRequestState:
        """Look whether anything is left, and sign if not."""
        return await self._subjects.complete(cmd)

    @activity.defn(name="security.apply_retention")
    async def apply_retention(self, _: ApplyRetention) -> RetentionApplied:
        """Delete what tenants want to keep no longer."""
        return await self._retention.sweep(now=self._now(), heartbeat=activity.heartbeat)
