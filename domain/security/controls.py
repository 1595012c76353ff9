"""Evidence of controls: collected, attested, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.kernel.audit import AuditEntry
from domain.kernel.context import current_context
from domain.kernel.ids import TenantId
from domain.security.control_catalogue import BY_ID, CONTROLS, IN_SCOPE
from domain.security.control_commands import CollectionProgress
from domain.security.control_errors import AttestationInvalid, ControlIsCollected, ControlNotFound
from domain.security.control_model import (
    ComplianceReport,
    Control,
    ControlScope,
    ControlStanding,
    Evidence,
    EvidenceCollection,
    EvidenceState,
    Framework,
    MatrixCell,
    Module,
    Observed,
    Standing,
)
from domain.security.events import PolicyViolated, Severity
from domain.security.ids import EvidenceCollectionId, EvidenceId
from domain.security.permissions import ATTEST_CONTROL, COLLECT_EVIDENCE
from domain.security.ports import SecurityUnitOfWork

_RANK = {severity: rank for rank, severity in enumerate(reversed(Severity))}


@dataclass(frozen=True, slots=True)
class Attestation:
    """Somebody's word that a control is in place, where the proof is kept, and until when it counts."""

    statement: str
    reference: str
    valid_until: datetime | None


def collected_in(tenant: TenantId | None) -> list[Control]:
    """The controls of this tenant, or of the platform, that a collector looks at."""
    return [control for control in CONTROLS if control.check is not None and control.applies_to(tenant)]


async def begin(uow: SecurityUnitOfWork, collection: EvidenceCollection) -> EvidenceCollection:
    """Write down whom to visit. May be done again: the second time it goes on."""
    if await uow.evidence.begin(collection):
        uow.audit.record(
            AuditEntry(tenant_id=collection.tenant_id, action=COLLECT_EVIDENCE.name, resource=collection.id)
        )
    return await uow.evidence.collection(None, collection.id)


async def keep(
    uow: SecurityUnitOfWork,
    collection: EvidenceCollectionId,
    tenant: TenantId | None,
    observed: Mapping[str, tuple[EvidenceId, Observed]],
    *,
    now: datetime,
) -> None:
    """Keep what was seen in one scope, by control, once. A control that is violated anew is told."""
    if not await uow.evidence.visited(collection, tenant, at=now):
        return
    before = {each.control_id: each.state for each in await uow.evidence.newest(tenant)}
    for control_id, (evidence_id, seen) in observed.items():
        control = BY_ID[control_id]
        evidence = Evidence(
            id=evidence_id,
            tenant_id=tenant,
            control_id=control_id,
            collection_id=collection,
            state=seen.state,
            summary=seen.summary,
            facts=seen.facts,
            collected_at=now,
            fresh_until=now + control.fresh_for,
        )
        await uow.evidence.add(evidence)
        is_new = before.get(control_id) is not EvidenceState.NOT_SATISFIED
        if tenant is not None and seen.state is EvidenceState.NOT_SATISFIED and is_new:
            _tell(uow, tenant, control, evidence)


async def attest(
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    control_id: str,
    attestation: Attestation,
    *,
    id: EvidenceId,
    now: datetime,
) -> Evidence:
    """Take somebody's word for what no collector sees.

    Raises ControlNotFound, ControlIsCollected, AttestationInvalid.
    """
    control = BY_ID.get(control_id)
    if control is None or not control.applies_to(tenant):
        raise ControlNotFound
    if control.check is not None:
        raise ControlIsCollected
    longest = now + control.fresh_for
    until = attestation.valid_until or longest
    if not now < until <= longest:
        raise AttestationInvalid(latest=longest.isoformat())
    evidence = Evidence(
        id=id,
        tenant_id=tenant,
        control_id=control_id,
        collection_id=None,
        state=EvidenceState.SATISFIED,
        summary=attestation.statement,
        facts={},
        attested_by=current_context().actor.id,
        reference=attestation.reference,
        collected_at=now,
        fresh_until=until,
    )
    await uow.evidence.add(evidence)
    details = {"control": control_id, "reference": attestation.reference, "validUntil": until.isoformat()}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ATTEST_CONTROL.name, resource=id, details=details))
    return evidence


async def report(uow: SecurityUnitOfWork, tenant: TenantId | None, *, now: datetime) -> ComplianceReport:
    """Where a tenant stands, with the platform's controls that it relies on; or the platform itself."""
    own = {each.control_id: each for each in await uow.evidence.newest(tenant)}
    platforms = {each.control_id: each for each in await uow.evidence.newest(None)} if tenant else {}
    standings: list[ControlStanding] = []
    for control in CONTROLS:
        if control.applies_to(tenant):
            standings.append(_standing(control, own.get(control.id), inherited=False, now=now))
        if tenant is not None and control.scope is ControlScope.PLATFORM:
            standings.append(_standing(control, platforms.get(control.id), inherited=True, now=now))
    gaps = [each for each in standings if each.standing is not Standing.SATISFIED]
    gaps.sort(key=lambda each: (_RANK[each.control.severity], each.control.id))
    return ComplianceReport(
        tenant_id=tenant,
        at=now,
        matrix=tuple(_matrix(standings)),
        gaps=tuple(each.control.id for each in gaps),
        controls=tuple(standings),
    )


def progress_of(collection: EvidenceCollection) -> CollectionProgress:
    """As its process tells it."""
    return CollectionProgress(
        scopes=collection.scopes,
        done=collection.done,
        evidence=collection.evidence,
        not_satisfied=collection.not_satisfied,
        completed=collection.completed_at is not None,
    )


def _standing(control: Control, evidence: Evidence | None, *, inherited: bool, now: datetime) -> ControlStanding:
    """What the platform's evidence went by is the operator's to see."""
    if evidence is None:
        standing = Standing.MISSING
    elif evidence.fresh_until <= now:
        standing = Standing.STALE
    else:
        standing = Standing(evidence.state.value)
    shown = evidence.model_copy(update={"facts": {}, "reference": None}) if evidence and inherited else evidence
    return ControlStanding(control=control, standing=standing, inherited=inherited, evidence=shown)


def _matrix(standings: Sequence[ControlStanding]) -> list[MatrixCell]:
    cells: list[MatrixCell] = []
    for module in Module:
        for framework in Framework:
            if module not in IN_SCOPE[framework]:
                continue
            about = [
                each for each in standings if module in each.control.modules and each.control.references.get(framework)
            ]
            satisfied = sum(each.standing is Standing.SATISFIED for each in about)
            cells.append(MatrixCell(module=module, framework=framework, controls=len(about), satisfied=satisfied))
    return cells


def _tell(uow: SecurityUnitOfWork, tenant: TenantId, control: Control, evidence: Evidence) -> None:
    for framework, references in control.references.items():
        violated = PolicyViolated(
            control_id=control.id,
            framework=framework.value,
            control="; ".join(references),
            module=control.modules[0].value,
            resource=tenant,
            finding=evidence.summary,
            severity=control.severity,
            occurred_at=evidence.collected_at,
        )
        uow.events.append(violated, tenant=tenant)
