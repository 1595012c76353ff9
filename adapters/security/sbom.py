"""The software bill of materials, as CycloneDX has it, with what the last scan found in it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as BomComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.vulnerability import (
    BomTarget,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.model.vulnerability import (
    Vulnerability as BomVulnerability,
)
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from adapters.security.dependencies import PRODUCT
from domain.security.vulnerabilities import Component, Vulnerability


def cyclonedx(components: Sequence[Component], vulnerabilities: Sequence[Vulnerability]) -> str:
    """A CycloneDX 1.6 document in JSON. components: with the product itself among them."""
    licences = LicenseFactory()
    parts = {each.name: _part(each, licences) for each in components}
    bom = Bom(components=[part for name, part in parts.items() if name != PRODUCT])
    bom.metadata.component = parts[PRODUCT]
    bom.metadata.tools.components.add(this_component())
    for each in components:
        bom.register_dependency(parts[each.name], [parts[name] for name in each.requires if name in parts])
    bom.vulnerabilities = [
        _vulnerability(each, parts[each.component.name]) for each in vulnerabilities if each.component.name in parts
    ]
    return JsonV1Dot6(bom).output_as_string()


def _part(component: Component, licences: LicenseFactory) -> BomComponent:
    return BomComponent(
        type=ComponentType.APPLICATION if component.name == PRODUCT else ComponentType.LIBRARY,
        name=component.name,
        version=component.version,
        bom_ref=component.purl,
        purl=PackageURL("pypi", name=component.name, version=component.version),
        licenses=[licences.make_from_string(component.licenses[0])] if component.licenses else [],
    )


def _vulnerability(found: Vulnerability, part: BomComponent) -> BomVulnerability:
    version = (found.cvss or "").partition("/")[0].removeprefix("CVSS:")
    methods = {
        "3.0": VulnerabilityScoreSource.CVSS_V3,
        "3.1": VulnerabilityScoreSource.CVSS_V3_1,
        "4.0": VulnerabilityScoreSource.CVSS_V4,
    }
    return BomVulnerability(
        id=found.id,
        description=found.summary,
        source=VulnerabilitySource(name="OSV"),
        ratings=[
            VulnerabilityRating(
                score=Decimal(str(found.score)),
                severity=VulnerabilitySeverity(found.severity),
                method=methods.get(version, VulnerabilityScoreSource.OTHER),
                vector=found.cvss,
            )
        ],
        references=[VulnerabilityReference(id=each, source=VulnerabilitySource(name="OSV")) for each in found.aliases],
        recommendation=f"Update to {found.fixed_in} or later." if found.fixed_in else None,
        affects=[BomTarget(ref=part.bom_ref.value or found.component.purl)],
    )
