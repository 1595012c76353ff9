"""The compliance report as a page: what is missing first, then the matrix, then every control with its evidence."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse

from api.pages import printed
from domain.security.control_model import ComplianceReport, ControlStanding, Framework, Module, Standing

_FRAMEWORKS = {
    Framework.SOC2: "SOC 2",
    Framework.HIPAA: "HIPAA",
    Framework.GDPR: "GDPR",
    Framework.PCI_DSS: "PCI DSS",
}
_WORDS = {
    Standing.SATISFIED: "Satisfied",
    Standing.NOT_SATISFIED: "Not satisfied",
    Standing.STALE: "Evidence too old",
    Standing.MISSING: "No evidence",
}


def compliance_page(report: ComplianceReport, organisation: str) -> HTMLResponse:
    """The page; organisation: whose report it is, in words."""
    rows = [_row(each) for each in report.controls]
    gaps = sorted(
        (row for row in rows if row["standing"] != Standing.SATISFIED.value),
        key=lambda row: report.gaps.index(row["id"]),
    )
    facts = {
        "organisation": organisation,
        "at": f"{report.at:%Y-%m-%d %H:%M}",
        "satisfied": str(len(rows) - len(gaps)),
        "total": str(len(rows)),
        "gaps": gaps,
        "frameworks": list(_FRAMEWORKS.values()),
        "modules": [{"name": module.value, "cells": _cells(report, module)} for module in Module],
        "controls": rows,
    }
    return printed("compliance", facts)


def _row(each: ControlStanding) -> dict[str, Any]:
    control, evidence = each.control, each.evidence
    until = f", counts until {evidence.fresh_until:%Y-%m-%d}" if evidence else ""
    return {
        "id": control.id,
        "title": control.title,
        "severity": control.severity.value,
        "inherited": each.inherited,
        "standing": each.standing.value,
        "word": _WORDS[each.standing],
        "summary": evidence.summary
        if evidence
        else "Nobody has looked yet."
        if control.check
        else "Nobody has attested it.",
        "collected": f"{evidence.collected_at:%Y-%m-%d %H:%M} UTC{until}" if evidence else "",
        "reference": (evidence.reference or "") if evidence else "",
        "gap": control.gap,
        "references": "; ".join(
            f"{_FRAMEWORKS[framework]} {', '.join(numbers)}" for framework, numbers in control.references.items()
        ),
    }


def _cells(report: ComplianceReport, module: Module) -> list[dict[str, str]]:
    known = {(cell.module, cell.framework): cell for cell in report.matrix}
    cells: list[dict[str, str]] = []
    for framework in Framework:
        cell = known.get((module, framework))
        if cell is None:
            cells.append({"text": "\u2013", "class": "none"})
        else:
            kind = "all" if cell.satisfied == cell.controls else "some"
            cells.append({"text": f"{cell.satisfied} of {cell.controls}", "class": f"n {kind}"})
    return cells
