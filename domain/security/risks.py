"""Treating risks: found, decided about, done or lived with for a while, and looked at again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.kernel.audit import AuditEntry
from domain.kernel.context import current_context
from domain.kernel.ids import TenantId
from domain.security.audiences import administrators
from domain.security.commands import Audience
from domain.security.ids import RiskId
from domain.security.permissions import (
    ADD_RISK,
    APPROVE_RISK_ACCEPTANCE,
    ASSESS_RISK,
    CLOSE_RISK,
    PLAN_RISK_TREATMENT,
)
from domain.security.ports import SecurityUnitOfWork
from domain.security.risk_commands import FollowRisk, RiskState
from domain.security.risk_errors import (
    RiskAcceptedByProposer,
    RiskClosed,
    RiskInstantInvalid,
    RiskReductionInvalid,
    RiskStepNotPossible,
)
from domain.security.risk_events import RiskChanged, RiskIdentified, RiskOverdue
from domain.security.risk_model import (
    APPROVED_BY_ANOTHER,
    DECIDE_WITHIN,
    LONGEST_PLAN,
    Risk,
    RiskSource,
    RiskStatus,
    Treatment,
    level_of,
)
from domain.security.vulnerabilities import Vulnerability


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done about a risk, by whom and until when, and what is left of it then."""

    treatment: Treatment
    plan: str
    assignee: str
    treat_by: datetime
    residual_likelihood: int
    residual_impact: int


async def identify(uow: SecurityUnitOfWork, risk: Risk, *, now: datetime) -> Risk:
    """Enter it into the register."""
    await uow.risks.put(risk)
    if risk.tenant_id is not None:
        uow.events.append(
            RiskIdentified(
                tenant_id=risk.tenant_id, risk_id=risk.id, level=risk.level, decide_by=risk.due_at, occurred_at=now
            ),
            tenant=risk.tenant_id,
        )
    details = {"level": risk.level.value, "source": risk.source.value, "reference": risk.reference}
    _audit(uow, risk, ADD_RISK.name, details)
    return risk


async def assess(
    uow: SecurityUnitOfWork, tenant: TenantId | None, risk_id: RiskId, *, likelihood: int, impact: int, now: datetime
) -> Risk:
    """Say how likely and how bad it is by now: whoever decided decides again. Raises RiskNotFound, RiskClosed."""
    risk = await _open(uow, tenant, risk_id)
    changes: dict[str, object] = {
        "likelihood": likelihood,
        "impact": impact,
        **_undecided(now=now, likelihood=likelihood, impact=impact),
    }
    return await _changed(uow, risk, "assessed", changes, action=ASSESS_RISK.name, now=now)


async def plan(uow: SecurityUnitOfWork, tenant: TenantId | None, risk_id: RiskId, plan: Plan, *, now: datetime) -> Risk:
    """Say what is done about it. To accept a high risk is proposed, and waits for another's approval.

    Raises RiskNotFound, RiskClosed, RiskInstantInvalid, RiskReductionInvalid.
    """
    risk = await _open(uow, tenant, risk_id)
    if not now < plan.treat_by <= now + LONGEST_PLAN:
        raise RiskInstantInvalid
    if plan.residual_likelihood > risk.likelihood or plan.residual_impact > risk.impact:
        raise RiskReductionInvalid
    status = RiskStatus.PLANNED
    if plan.treatment is Treatment.ACCEPT:
        status = RiskStatus.PROPOSED if risk.level in APPROVED_BY_ANOTHER else RiskStatus.ACCEPTED
    changes: dict[str, object] = {
        "status": status,
        "treatment": plan.treatment,
        "plan": plan.plan,
        "assignee": plan.assignee,
        "residual_likelihood": plan.residual_likelihood,
        "residual_impact": plan.residual_impact,
        "proposed_by": current_context().actor.id,
        "approved_by": None,
        "due_at": plan.treat_by,
        "overdue_at": None,
    }
    return await _changed(uow, risk, status.value, changes, action=PLAN_RISK_TREATMENT.name, now=now)


async def approve(uow: SecurityUnitOfWork, tenant: TenantId | None, risk_id: RiskId, *, now: datetime) -> Risk:
    """Let it be lived with. Raises RiskNotFound, RiskClosed, RiskStepNotPossible, RiskAcceptedByProposer."""
    risk = await _open(uow, tenant, risk_id)
    if risk.status is not RiskStatus.PROPOSED:
        raise RiskStepNotPossible(status=risk.status.value)
    approver = current_context().actor.id
    if approver == risk.proposed_by:
        raise RiskAcceptedByProposer
    changes: dict[str, object] = {"status": RiskStatus.ACCEPTED, "approved_by": approver}
    return await _changed(uow, risk, "accepted", changes, action=APPROVE_RISK_ACCEPTANCE.name, now=now)


async def close(
    uow: SecurityUnitOfWork, tenant: TenantId | None, risk_id: RiskId, outcome: str, *, now: datetime
) -> Risk:
    """Say that it is no more, or was none. Raises RiskNotFound, RiskClosed."""
    return await _close(uow, await _open(uow, tenant, risk_id), outcome, now=now)


async def settle(uow: SecurityUnitOfWork, cmd: FollowRisk, *, now: datetime) -> RiskState:
    """Open it again if its acceptance has ended, note that it is overdue; where it stands. May be done again."""
    risk = await uow.risks.get(None, cmd.risk_id)
    if risk.status is not RiskStatus.CLOSED and risk.due_at <= now:
        if risk.status is RiskStatus.ACCEPTED:
            changes = _undecided(now=now, likelihood=risk.likelihood, impact=risk.impact)
            risk = await _changed(
                uow, risk, "acceptance_ended", changes, action="security.end_risk_acceptance", now=now
            )
        elif risk.overdue_at is None:
            risk = risk.model_copy(update={"overdue_at": now})
            await uow.risks.put(risk)
            _audit(uow, risk, "security.miss_risk_deadline", {"dueAt": risk.due_at.isoformat()})
            if risk.tenant_id is not None:
                uow.events.append(
                    RiskOverdue(tenant_id=risk.tenant_id, risk_id=risk.id, due_at=risk.due_at, occurred_at=now),
                    tenant=risk.tenant_id,
                )
    return RiskState(
        tenant_id=risk.tenant_id,
        title=risk.title,
        level=risk.level.value,
        status=risk.status.value,
        assignee=risk.assignee,
        due_at=risk.due_at,
        overdue=risk.overdue_at is not None,
    )


async def audience(uow: SecurityUnitOfWork, cmd: FollowRisk) -> Audience:
    """The administrators of its tenant. Raises RiskNotFound."""
    risk = await uow.risks.get(None, cmd.risk_id)
    assert risk.tenant_id is not None, "nobody is mailed about the platform's own risks"
    return await administrators(uow, risk.tenant_id)


async def enter_vulnerabilities(
    uow: SecurityUnitOfWork, found: Sequence[Vulnerability], *, new_id: Callable[[], RiskId], now: datetime
) -> None:
    """Make the platform's register say what a scan has found: new ones enter, those that are gone are closed.

    A vulnerability that has got another name since is the same risk, with what was decided about it.
    """
    await uow.risks.hold_scanned()
    known = {risk.reference: risk for risk in await uow.risks.scanned()}
    for each in found:
        there = next((known.pop(key) for key in each.keys if key in known), None)
        if there is None:
            await identify(uow, _risk_of(each, id_=new_id(), now=now), now=now)
            continue
        facts: dict[str, object] = {
            "title": _title(each),
            "description": _description(each),
            "reference": each.key,
            "cvss": each.cvss,
            "score": each.score,
        }
        if (there.likelihood, there.impact) != (each.likelihood, each.impact):
            rated = {"likelihood": each.likelihood, "impact": each.impact}
            facts |= {**rated, **_undecided(now=now, likelihood=each.likelihood, impact=each.impact)}
            await _changed(uow, there, "assessed", facts, action=ASSESS_RISK.name, now=now)
        elif any(getattr(there, name) != value for name, value in facts.items()):
            await uow.risks.put(there.model_copy(update=facts))
    for gone in known.values():
        await _close(uow, gone, "the scan finds it no more", now=now)


def decide_by(likelihood: int, impact: int, *, now: datetime) -> datetime:
    """By when somebody has to say what is done about such a risk."""
    return now + DECIDE_WITHIN[level_of(likelihood, impact)]


def _risk_of(found: Vulnerability, *, id_: RiskId, now: datetime) -> Risk:
    return Risk(
        id=id_,
        tenant_id=None,
        title=_title(found),
        description=_description(found),
        source=RiskSource.VULNERABILITY,
        reference=found.key,
        cvss=found.cvss,
        score=found.score,
        likelihood=found.likelihood,
        impact=found.impact,
        due_at=decide_by(found.likelihood, found.impact, now=now),
        identified_at=now,
    )


def _title(found: Vulnerability) -> str:
    return f"{found.id} in {found.component.name} {found.component.version}"


def _description(found: Vulnerability) -> str:
    fix = f"Fixed in {found.fixed_in}." if found.fixed_in else "No version is known to fix it."
    also = f" Also known as {', '.join(found.aliases)}." if found.aliases else ""
    return f"{found.summary}. {fix}{also}"


def _undecided(*, now: datetime, likelihood: int, impact: int) -> dict[str, object]:
    return {
        "status": RiskStatus.OPEN,
        "treatment": None,
        "plan": "",
        "residual_likelihood": None,
        "residual_impact": None,
        "proposed_by": None,
        "approved_by": None,
        "due_at": decide_by(likelihood, impact, now=now),
        "overdue_at": None,
    }


async def _open(uow: SecurityUnitOfWork, tenant: TenantId | None, risk_id: RiskId) -> Risk:
    risk = await uow.risks.get(tenant, risk_id)
    if risk.status is RiskStatus.CLOSED:
        raise RiskClosed
    return risk


async def _close(uow: SecurityUnitOfWork, risk: Risk, outcome: str, *, now: datetime) -> Risk:
    changes: dict[str, object] = {"status": RiskStatus.CLOSED, "closed_at": now, "outcome": outcome}
    return await _changed(uow, risk, "closed", changes, action=CLOSE_RISK.name, now=now)


async def _changed(
    uow: SecurityUnitOfWork, risk: Risk, change: str, changes: dict[str, object], *, action: str, now: datetime
) -> Risk:
    changed = risk.model_copy(update=changes)
    await uow.risks.put(changed)
    if risk.tenant_id is not None:
        uow.events.append(
            RiskChanged(tenant_id=risk.tenant_id, risk_id=risk.id, change=change, occurred_at=now),
            tenant=risk.tenant_id,
        )
    _audit(uow, changed, action, {"change": change, "status": changed.status.value})
    return changed


def _audit(uow: SecurityUnitOfWork, risk: Risk, action: str, details: dict[str, str | None]) -> None:
    uow.audit.record(AuditEntry(tenant_id=risk.tenant_id, action=action, resource=risk.id, details=details))
