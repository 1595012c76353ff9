"""The catalogue and a report as OSCAL 1.2.1 has them (NIST): catalog, and assessment results."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.security.control_catalogue import CONTROLS
from domain.security.control_model import ComplianceReport, Control, ControlStanding, Standing

VERSION = "1.2.1"
CATALOGUE_VERSION = "1.0"
_NAMESPACE = "https://harborgrid.example/ns/oscal"
_PLAN = "assessment-plan"
_WHY = {
    Standing.SATISFIED: "pass",
    Standing.NOT_SATISFIED: "fail",
    Standing.STALE: "other",
    Standing.MISSING: "other",
}
_REMARKS = {
    Standing.STALE: "The evidence is too old to count.",
    Standing.MISSING: "There is no evidence.",
}


def catalog(controls: tuple[Control, ...] = CONTROLS, *, modified: datetime) -> dict[str, Any]:
    """An OSCAL catalog of our controls; what the frameworks call them is in properties."""
    return {
        "catalog": {
            "uuid": _uuid("catalog", CATALOGUE_VERSION),
            "metadata": _metadata("HarborGrid control catalogue", modified),
            "controls": [_control(each) for each in controls],
        }
    }


def assessment_results(report: ComplianceReport) -> dict[str, Any]:
    """OSCAL assessment results: an observation for each piece of evidence, a finding for each control."""
    whose = report.tenant_id or "the platform"
    at = report.at.isoformat()
    controls = [{"control-id": each.control.id} for each in report.controls]
    observations = [_observation(each) for each in report.controls if each.evidence is not None]
    result = {
        "uuid": _uuid("result", whose, at),
        "title": f"Controls of {whose}",
        "description": "What the newest evidence of each control says.",
        "start": min(
            [each.evidence.collected_at for each in report.controls if each.evidence], default=report.at
        ).isoformat(),
        "end": at,
        "reviewed-controls": {"control-selections": [{"include-controls": controls}]},
        **({"observations": observations} if observations else {}),
        "findings": [_finding(each, whose, at) for each in report.controls],
    }
    plan = {
        "uuid": _uuid(_PLAN),
        "title": "Assessment plan",
        "description": "Collectors look at each control once a day; what no collector sees is attested by people.",
    }
    return {
        "assessment-results": {
            "uuid": _uuid("assessment-results", whose, at),
            "metadata": _metadata(f"HarborGrid compliance of {whose}", report.at),
            "import-ap": {"href": f"#{plan['uuid']}"},
            "results": [result],
            "back-matter": {"resources": [plan]},
        }
    }


def _metadata(title: str, modified: datetime) -> dict[str, Any]:
    return {
        "title": title,
        "last-modified": modified.isoformat(),
        "version": CATALOGUE_VERSION,
        "oscal-version": VERSION,
    }


def _control(control: Control) -> dict[str, Any]:
    references = [
        {"name": framework.value.replace("_", "-"), "ns": _NAMESPACE, "value": reference}
        for framework, numbers in control.references.items()
        for reference in numbers
    ]
    modules = [{"name": "module", "ns": _NAMESPACE, "value": module.value} for module in control.modules]
    return {
        "id": control.id,
        "title": control.title,
        "props": [{"name": "label", "value": control.id.upper()}, *references, *modules],
        "parts": [{"id": _statement(control), "name": "statement", "prose": control.statement}],
    }


def _observation(standing: ControlStanding) -> dict[str, Any]:
    evidence = standing.evidence
    assert evidence is not None, "only what was seen is an observation"
    relevant = {"description": evidence.reference} if evidence.reference else None
    return {
        "uuid": _uuid("observation", evidence.id),
        "title": standing.control.title,
        "description": evidence.summary,
        "methods": ["EXAMINE" if evidence.attested_by else "TEST"],
        "props": [{"name": "evidence-id", "ns": _NAMESPACE, "value": evidence.id}],
        "collected": evidence.collected_at.isoformat(),
        "expires": evidence.fresh_until.isoformat(),
        **({"relevant-evidence": [relevant]} if relevant else {}),
    }


def _finding(standing: ControlStanding, whose: str, at: str) -> dict[str, Any]:
    satisfied = standing.standing is Standing.SATISFIED
    status: dict[str, Any] = {
        "state": "satisfied" if satisfied else "not-satisfied",
        "reason": _WHY[standing.standing],
    }
    if standing.standing in _REMARKS:
        status["remarks"] = _REMARKS[standing.standing]
    evidence = standing.evidence
    related = {"related-observations": [{"observation-uuid": _uuid("observation", evidence.id)}]} if evidence else {}
    description = evidence.summary if evidence else _REMARKS[Standing.MISSING]
    inherited = [{"name": "inherited", "ns": _NAMESPACE, "value": "platform"}] if standing.inherited else []
    return {
        "uuid": _uuid("finding", whose, at, standing.control.id, str(standing.inherited)),
        "title": standing.control.title,
        "description": description if satisfied else f"{description} {standing.control.gap}",
        **({"props": inherited} if inherited else {}),
        "target": {"type": "statement-id", "target-id": _statement(standing.control), "status": status},
        **related,
    }


def _statement(control: Control) -> str:
    return f"{control.id}_smt"


def _uuid(*names: str) -> str:
    """The same for the same thing (RFC 9562, version 5), so that documents can be compared."""
    return str(uuid5(NAMESPACE_URL, "/".join([_NAMESPACE, *names])))
