"""The control catalogue, what evidence comes to, and the documents that are made of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from trestle.oscal.assessment_results import Model as AssessmentResults
from trestle.oscal.catalog import Model as Catalog

from adapters.security.controls_seen import COLLECTORS, is_card_number
from adapters.security.oscal import assessment_results, catalog
from api.compliance_page import compliance_page
from domain.kernel.ids import TenantId
from domain.security.control_catalogue import BY_ID, CONTROLS, IN_SCOPE
from domain.security.control_model import (
    ComplianceReport,
    ControlScope,
    Evidence,
    EvidenceState,
    Framework,
    Module,
    Standing,
)
from domain.security.controls import report
from domain.security.ids import EvidenceId

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TENANT = TenantId("ten_01h455vb4pex5vsknk084sn02q")
MATRIX = """
security      soc2 hipaa gdpr pci_dss
billing       soc2 gdpr pci_dss
analytics     soc2 hipaa gdpr
gateway       soc2 hipaa gdpr pci_dss
notifications soc2 hipaa gdpr
collaboration soc2 hipaa gdpr
workflow      soc2 gdpr
cad           soc2 gdpr
spatial       soc2 gdpr
compression   soc2 gdpr
"""
"""Which framework each module is in the scope of, as the requirements have it."""


class Store:
    """Evidence in memory: by tenant and control."""

    def __init__(self, *evidence: Evidence) -> None:
        self.evidence = self
        self._kept = evidence

    async def newest(self, tenant: TenantId | None) -> list[Evidence]:
        return [each for each in self._kept if each.tenant_id == tenant]


def seen(control: str, tenant: TenantId | None = TENANT, **changes: Any) -> Evidence:
    told: dict[str, Any] = {
        "id": EvidenceId("evd_01h455vb4pex5vsknk084sn02q"),
        "tenant_id": tenant,
        "control_id": control,
        "collection_id": None,
        "state": EvidenceState.SATISFIED,
        "summary": "All is well.",
        "facts": {"people": 3},
        "collected_at": NOW - timedelta(hours=1),
        "fresh_until": NOW + timedelta(days=1),
    }
    return Evidence(**{**told, **changes})


async def reported(*evidence: Evidence, tenant: TenantId | None = TENANT) -> ComplianceReport:
    store: Any = Store(*evidence)
    return await report(store, tenant, now=NOW)


class TestCatalogue:
    def test_has_every_cell_of_the_matrix_and_no_other(self) -> None:
        wanted = {(m, f) for line in MATRIX.split("\n") if line for m, *fs in [line.split()] for f in fs}

        assert wanted == {(module.value, f.value) for f, modules in IN_SCOPE.items() for module in modules}

    @pytest.mark.parametrize("tenant", [None, TENANT])
    async def test_asks_something_of_every_cell(self, tenant: TenantId | None) -> None:
        cells = (await reported(tenant=tenant)).matrix

        assert not [(cell.module, cell.framework) for cell in cells if cell.controls == 0]
        assert sum(len(modules) for modules in IN_SCOPE.values()) == len(cells)

    def test_has_a_collector_for_each_check_and_a_check_for_each_collector(self) -> None:
        assert set(COLLECTORS) == {control.check for control in CONTROLS if control.check}

    def test_names_each_control_once_and_says_what_to_do(self) -> None:
        assert len(CONTROLS) == len(BY_ID)
        assert all(control.gap.endswith((".", "attest.")) and control.references for control in CONTROLS)


class TestReport:
    async def test_says_where_each_control_stands(self) -> None:
        old = seen("ac-2", fresh_until=NOW)
        bad = seen("ac-3", state=EvidenceState.NOT_SATISFIED, summary="Two are unused.")

        told = await reported(seen("ac-1"), old, bad)

        stands = {each.control.id: each.standing for each in told.controls if not each.inherited}
        wanted = {"ac-1": Standing.SATISFIED, "ac-2": Standing.STALE, "ac-3": Standing.NOT_SATISFIED}
        assert {**wanted, "ac-5": Standing.MISSING}.items() <= stands.items()
        assert not {"ac-1"} & set(told.gaps)
        assert {"ac-2", "ac-3", "ac-5"} <= set(told.gaps)

    async def test_names_the_worst_gaps_first(self) -> None:
        ranks = ["critical", "high", "medium", "low"]

        gaps = [ranks.index(BY_ID[each].severity) for each in (await reported()).gaps]

        assert gaps == sorted(gaps)

    async def test_of_a_tenant_names_the_platforms_without_what_they_went_by(self) -> None:
        told = await reported(seen("ac-4", None), seen("vm-2", None), seen("vm-2"))

        shown = {(each.control.id, each.inherited): each.evidence for each in told.controls}
        inherited = shown["ac-4", True]
        assert inherited is not None
        assert ({}, "All is well.") == (inherited.facts, inherited.summary)
        assert ("vm-2", True) not in shown
        own = shown["vm-2", False]
        assert own is not None
        assert {"people": 3} == own.facts

    async def test_of_the_platform_has_the_platforms_controls(self) -> None:
        told = await reported(tenant=None)

        wanted = {each.id for each in CONTROLS if each.scope is not ControlScope.TENANT}
        assert wanted == {each.control.id for each in told.controls}

    async def test_counts_a_control_in_every_module_it_is_about(self) -> None:
        told = await reported(seen("dp-1"))

        cells = {(cell.module, cell.framework): cell.satisfied for cell in told.matrix}
        assert 1 == cells[Module.BILLING, Framework.PCI_DSS] == cells[Module.GATEWAY, Framework.SOC2]
        assert 0 == cells[Module.SECURITY, Framework.HIPAA] == cells[Module.CAD, Framework.GDPR]


class TestOscal:
    def test_catalog_is_valid(self) -> None:
        document = catalog(modified=NOW)

        assert Catalog.model_validate(document)
        assert len(CONTROLS) == len(document["catalog"]["controls"])

    @pytest.mark.parametrize("tenant", [None, TENANT])
    async def test_assessment_results_are_valid_and_name_controls_of_the_catalog(self, tenant: TenantId | None) -> None:
        attested = seen("ac-6", tenant, attested_by="usr_1", reference="Minutes, page 3")
        bad = seen("vm-2", tenant, state=EvidenceState.NOT_SATISFIED)
        document = assessment_results(await reported(attested, bad, seen("au-2", tenant), tenant=tenant))

        assert AssessmentResults.model_validate(document)
        [result] = document["assessment-results"]["results"]
        statements = {each["parts"][0]["id"] for each in catalog(modified=NOW)["catalog"]["controls"]}
        targets = {each["target"]["target-id"]: each["target"]["status"] for each in result["findings"]}
        assert set(targets) <= statements
        assert ["satisfied", "not-satisfied"] == [targets[each]["state"] for each in ("ac-6_smt", "vm-2_smt")]
        observed = {each["uuid"] for each in result["observations"]}
        related = [each["related-observations"] for each in result["findings"] if "related-observations" in each]
        assert {each["observation-uuid"] for [each] in related} == observed

    async def test_without_any_evidence_is_valid_too(self) -> None:
        document = assessment_results(await reported())

        assert AssessmentResults.model_validate(document)

    def test_of_something_else_is_not(self) -> None:
        with pytest.raises(ValidationError):
            AssessmentResults.model_validate(catalog(modified=NOW))


class TestPage:
    async def test_escapes_what_people_wrote(self) -> None:
        told = await reported(seen("ac-6", summary="<script>alert(1)</script>", attested_by="usr_1", reference="<b>"))

        page = bytes(compliance_page(told, "A & <i>B</i>").body).decode()

        assert "<script>" not in page
        assert "A &amp; &lt;i&gt;B" in page
        assert "&lt;b&gt;" in page


class TestCardNumber:
    @pytest.mark.parametrize(
        ("digits", "is_one"),
        [
            ("4111111111111111", True),
            ("4111111111111112", False),
            ("378282246310005", True),
            ("0000000000000001", False),
        ],
    )
    def test_is_checked_by_its_last_digit(self, digits: str, is_one: bool) -> None:
        assert is_one is is_card_number(digits)
