"""Controls, evidence of them, and the report of where evidence is missing or says otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.security.events import Severity
from domain.security.ids import EvidenceCollectionId, EvidenceId


class Framework(StrEnum):
    """AICPA Trust Services Criteria 2017, 45 CFR Part 164, Regulation (EU) 2016/679, PCI DSS 4.0.1."""

    SOC2 = "soc2"
    HIPAA = "hipaa"
    GDPR = "gdpr"
    PCI_DSS = "pci_dss"


class Module(StrEnum):
    """The modules that controls apply to, as URLs name them."""

    SECURITY = "security"
    BILLING = "billing"
    ANALYTICS = "analytics"
    GATEWAY = "gateway"
    NOTIFICATIONS = "notifications"
    COLLABORATION = "collaboration"
    WORKFLOW = "workflow"
    CAD = "cad"
    SPATIAL = "spatial"
    COMPRESSION = "compression"


class ControlScope(StrEnum):
    """Whose control it is: the platform's operator's, each tenant's, or both have it."""

    PLATFORM = "platform"
    TENANT = "tenant"
    BOTH = "both"


class Control(Payload):
    """What has to be so, and where the frameworks ask for it.

    check: the collector that looks, or None if people attest. gap: what to do if it is not so.
    """

    id: str
    title: str
    statement: str
    references: dict[Framework, tuple[str, ...]]
    modules: tuple[Module, ...] = tuple(Module)
    scope: ControlScope
    check: str | None
    severity: Severity = Severity.MEDIUM
    gap: str

    @property
    def fresh_for(self) -> timedelta:
        """How long its evidence counts: what is collected daily, two days; a person's word, a year."""
        return timedelta(days=2 if self.check else 365)

    def applies_to(self, tenant: TenantId | None) -> bool:
        """Whether a tenant, or the platform, has this control."""
        return self.scope in (ControlScope.BOTH, ControlScope.PLATFORM if tenant is None else ControlScope.TENANT)


class EvidenceState(StrEnum):
    """What evidence says of its control."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"


class Observed(Payload):
    """What a collector saw: in a sentence, and the facts it went by, which name ids and never secrets."""

    state: EvidenceState
    summary: str
    facts: dict[str, Any] = {}


class Evidence(Payload):
    """One observation of a control, by a collector or by somebody's word. tenant_id: None is the platform's."""

    id: EvidenceId
    tenant_id: TenantId | None
    control_id: str
    collection_id: EvidenceCollectionId | None
    state: EvidenceState
    summary: str
    facts: dict[str, Any]
    attested_by: str | None = None
    reference: str | None = None
    collected_at: datetime
    fresh_until: datetime


class EvidenceCollection(Payload):
    """One round through every control of the platform and of its tenants, or of one tenant.

    tenant_id: that tenant; None is everybody. scopes: the platform and tenants it has to visit; done: whom it has
    visited. It is completed when they are all.
    """

    id: EvidenceCollectionId
    tenant_id: TenantId | None
    scopes: int
    done: int = 0
    evidence: int = 0
    not_satisfied: int = 0
    started_at: datetime
    completed_at: datetime | None = None


class Standing(StrEnum):
    """Where a control stands: as its newest evidence says, unless that is too old, or there is none."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    STALE = "stale"
    MISSING = "missing"


class ControlStanding(Payload):
    """One control, and its newest evidence. inherited: the platform's, on which a tenant relies."""

    control: Control
    standing: Standing
    inherited: bool
    evidence: Evidence | None


class MatrixCell(Payload):
    """How many controls of a framework apply to a module, and how many of them are satisfied."""

    module: Module
    framework: Framework
    controls: int
    satisfied: int


class ComplianceReport(Payload):
    """Where a tenant, or the platform, stands. gaps: ids of the controls that are not satisfied, the worst first."""

    tenant_id: TenantId | None
    at: datetime
    matrix: tuple[MatrixCell, ...]
    gaps: tuple[str, ...]
    controls: tuple[ControlStanding, ...]
